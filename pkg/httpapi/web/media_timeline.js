// The times of a stream's frames in a media element. They begin at 0 and follow the position of the element, not only the camera's clock.
//
// A media element plays by its own clock and shows a frame when its position reaches the frame's time. So a frame whose time is the position
// at its arrival is shown at once, and the element needs neither a seek nor another rate. From frame to frame the time advances as on the
// camera's clock, a little slower or faster, so that the earliest frames are at the position. Gaps and jumps of the camera's clock are
// closed. Frames of a catch-up have nearly the same time.
//
// The order in which frames are displayed stays. So with B-frames, frames wait for their time, and the time jumps at keyframes only.

import { timescale } from './fmp4.js';

const compressBy = 500; // of the times in a catch-up
const minGap = timescale; // a shorter time is no gap
const gapFactor = 3; // a gap is longer than that number of frames
const maxStep = 1.9 * timescale; // of the time of decoding: a SourceBuffer allows less than two of the durations in fmp4.js
const maxEarly = 0.1 * timescale; // a frame would wait for longer
const maxLate = 0.4 * timescale; // the position has passed the frame's time by more

const ticks = (microseconds) => Math.round(microseconds * (timescale / 1e6));
const clamp = (x, low, high) => Math.min(Math.max(x, low), high);

export class MediaTimeline {
  constructor() {
    this.last = null; // times of the frame before: time on the camera's clock, decode on the element's
    this.interval = timescale / 25; // the usual time between frames
    this.highest = 0; // the highest time of presentation on the camera's clock
    this.displayed = 0; // the same on the element's
    this.shift = 0; // from the camera's clock, without what is cut, to the element's
    this.reordered = false; // the stream has B-frames
    this.resetCut(0);
  }

  // place returns the times of the next frame in ticks: {decode, display}. Position is that of the element in ticks.
  place(frame, position) {
    const time = ticks(frame.pts - frame.offset);
    const presentation = ticks(frame.pts);
    const elapsed = this.last ? time - this.last.time : 0;
    const gap = elapsed <= 0 || elapsed > Math.max(minGap, gapFactor * this.interval);
    this.reordered ||= presentation > time;
    if (gap) this.resetCut(time);
    this.updateCut(frame, presentation);
    const composition = this.withoutCut(presentation) - this.withoutCut(time);
    let decode = Math.max(0, -composition);
    if (this.last) decode = gap ? this.afterGap(position) : this.afterFrame(frame, time, elapsed, position);
    this.shift = decode - this.withoutCut(time);
    if (!gap) this.interval = elapsed;
    this.last = { time, decode };
    this.highest = gap ? presentation : Math.max(this.highest, presentation);
    this.displayed = Math.max(this.displayed, decode + composition);
    return { decode, display: decode + composition };
  }

  // afterGap returns the time of decoding of a frame after a gap: it is displayed after all frames before it.
  afterGap(position) {
    const first = Math.max(this.last.decode, this.displayed) + 1;
    return Math.round(clamp(position, first, Math.max(first, this.last.decode + maxStep)));
  }

  afterFrame(frame, time, elapsed, position) {
    const expected = this.withoutCut(time) + this.shift;
    const early = expected - position;
    const isFar = early > maxEarly || early < -maxLate;
    if (!frame.catchUp && isFar && frame.key) return this.afterGap(position);
    const moved = frame.catchUp ? expected : expected + this.correction(early, elapsed, isFar);
    return Math.round(clamp(moved, this.last.decode + 1, this.last.decode + maxStep));
  }

  // correction returns by how much the time of a frame changes that is early by that many ticks. Without B-frames it changes fast to where
  // no frame is early, and slowly in the other direction. With B-frames it changes so little that the order stays.
  correction(early, elapsed, isFar) {
    if (this.reordered) return clamp(-early / 4, -elapsed / 8, elapsed / 8);
    return isFar ? -early : clamp(-early, -elapsed / 4, elapsed / 20);
  }

  // The cut is a section of the camera's clock in which time is compressed. It begins where presentation was when a catch-up began, and ends
  // with the last frame of the catch-up.
  resetCut(time) {
    this.cut = { begin: time, end: time, before: 0 };
    this.highest = time;
    this.isCutting = false;
  }

  updateCut(frame, presentation) {
    if (frame.catchUp && !this.isCutting) this.cut = { begin: this.highest, end: this.highest, before: this.lengthOfCut(Infinity) };
    if (frame.catchUp) this.cut.end = Math.max(this.cut.end, presentation);
    this.isCutting = frame.catchUp;
  }

  // withoutCut returns a time of the camera's clock less what is cut up to then.
  withoutCut(time) { return time - this.lengthOfCut(time); }

  lengthOfCut(time) {
    const { begin, end, before } = this.cut;
    const inside = clamp(time, begin, end) - begin;
    return before + inside - Math.round(inside / compressBy);
  }
}
