// Detects a decoder that accepts frames and delivers no pictures. Hardware decoders do so without an error when a page has too many of them.

const checkPeriod = 1000; // ms
const maxSilentChecks = 3; // in a row, while the page is visible: a hidden page presents no pictures
const minFrames = 2; // a decoder may keep one frame until the next one comes, however long that takes

export class Watchdog {
  // onSilent is called once, when the decoder has delivered nothing for three seconds after it took frames.
  constructor(onSilent) {
    this.onSilent = onSilent;
    this.forget();
    this.timer = setInterval(() => this.check(), checkPeriod);
  }

  // input is called for each frame that the decoder takes.
  input() { this.frames++; }

  // output is called for each picture.
  output() { this.forget(); }

  close() { clearInterval(this.timer); }

  forget() {
    this.frames = 0; // since the last picture
    this.silentChecks = 0;
  }

  check() {
    if (document.hidden || this.frames < minFrames) {
      this.silentChecks = 0;
      return;
    }
    this.silentChecks++;
    if (this.silentChecks <= maxSilentChecks) return;
    this.close();
    this.onSilent();
  }
}
