// Finds out which frame of a stream a media element has on the screen.

const maxPending = 2000; // frames of a browser that shows nothing

export class PresentedFrames {
  // onPresented is called with a frame when it is on the screen, in the order in which frames are displayed. Frames may be left out.
  constructor(video, onPresented) {
    this.video = video;
    this.onPresented = onPresented;
    this.pending = []; // of {seconds, frame}, in the order of display
    this.watch();
  }

  // add is called with a frame and when it is displayed, in seconds of the element.
  add(frame, seconds) {
    const before = this.pending.findLastIndex((other) => other.seconds <= seconds);
    this.pending.splice(before + 1, 0, { seconds, frame });
    if (this.pending.length > maxPending) this.pending.shift();
  }

  close() {
    this.pending = [];
    this.video.cancelVideoFrameCallback?.(this.callback);
    this.video.removeEventListener('timeupdate', this.onTime);
  }

  watch() {
    if (!this.video.requestVideoFrameCallback) {
      this.onTime = () => this.present(this.video.currentTime);
      this.video.addEventListener('timeupdate', this.onTime);
      return;
    }
    const onFrame = (now, { mediaTime }) => {
      this.callback = this.video.requestVideoFrameCallback(onFrame);
      this.present(mediaTime);
    };
    this.callback = this.video.requestVideoFrameCallback(onFrame);
  }

  present(seconds) {
    const rounding = 1e-5; // less than a tick of 1/90000 s
    const shown = this.pending.findLastIndex((other) => other.seconds <= seconds + rounding);
    if (shown < 0) return;
    const { frame } = this.pending[shown];
    this.pending.splice(0, shown + 1);
    this.onPresented(frame);
  }
}
