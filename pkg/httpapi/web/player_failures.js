// Which players have failed for which streams. A failure is forgotten after a while, because damaged video can cause it, too, and a page on
// a wall is never reloaded.

const minRetry = 10 * 60 * 1000; // ms until failures are forgotten; doubled each time
const maxRetry = 24 * 60 * 60 * 1000;

const key = ({ camera, track, codec }, kind) => [camera, track, codec, kind].join(' ');

export class PlayerFailures {
  // onForgotten is called when the failures are forgotten because of their age.
  constructor(onForgotten) {
    this.onForgotten = onForgotten;
    this.clear();
  }

  // add notes that a kind of player cannot play a stream, and why.
  add(stream, kind, problem) {
    this.failed.add(key(stream, kind));
    this.problems.set(stream.camera, problem);
    if (this.timer) return;
    this.timer = setTimeout(() => {
      this.forget();
      this.onForgotten();
    }, this.retryDelay);
    this.retryDelay = Math.min(2 * this.retryDelay, maxRetry);
  }

  has(stream, kind) { return this.failed.has(key(stream, kind)); }

  // problemOf returns why the last player of a camera failed, or an empty text.
  problemOf(camera) { return this.problems.get(camera) ?? ''; }

  // clear forgets all failures when the page is shown again: decoders that were in use may be free by then.
  clear() {
    this.retryDelay = minRetry;
    this.forget();
  }

  forget() {
    clearTimeout(this.timer);
    this.timer = null;
    this.failed = new Set();
    this.problems = new Map();
  }
}
