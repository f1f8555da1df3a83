// Keeps the position of a media element at the newest frame. media_timeline.js lets the frames follow the position. So the position seeks only
// when the element has fallen behind: it was suspended, or its browser has started late. It also seeks when the element stands still: a
// busy Chromium can wait for more video although it has enough.

const maxBehind = 0.25; // seconds
const maxStill = 500; // ms for which the position may stand still while frames arrive
const seekPeriod = 1000; // ms between seeks, because each decodes again from the last keyframe

export class PlaybackPosition {
  constructor(video) {
    this.video = video;
    this.newest = 0; // seconds: when the newest frame in the buffer is decoded
    this.lastSeek = -Infinity;
    this.lastSeconds = 0;
    this.movedAt = performance.now(); // when the position was seen to change
  }

  get seconds() { return this.video.currentTime; }

  // behind is how many seconds the newest frame is in front of the position.
  get behind() { return this.newest - this.seconds; }

  // follow is called when a frame is in the buffer. It was given the time of decoding in seconds.
  follow(decode) {
    this.newest = decode;
    const { buffered, readyState } = this.video;
    if (readyState < HTMLMediaElement.HAVE_METADATA || !buffered.length) return;
    const now = performance.now();
    if (this.seconds !== this.lastSeconds) {
      this.lastSeconds = this.seconds;
      this.movedAt = now;
    }
    const isBefore = this.seconds < buffered.start(buffered.length - 1);
    const isStill = now - this.movedAt > maxStill;
    if ((isBefore || isStill || this.behind > maxBehind) && now - this.lastSeek > seekPeriod) this.seekToNewest();
  }

  // seekToNewest leaves out all frames but the newest.
  seekToNewest() {
    const { buffered } = this.video;
    if (!buffered.length) return;
    this.lastSeek = performance.now();
    this.video.currentTime = Math.max(this.newest, buffered.start(buffered.length - 1));
  }
}
