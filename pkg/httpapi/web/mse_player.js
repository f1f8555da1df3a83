// Plays a stream of the wall with Media Source Extensions: on plain http, where a page has no WebCodecs, and in browsers without it.

import { buildFragment, timescale } from './fmp4.js';
import { MediaBuffer } from './media_buffer.js';
import { MediaTimeline } from './media_timeline.js';
import { PlaybackPosition } from './playback_position.js';
import { PresentedFrames } from './presented_frames.js';
import { mediaSourceClass } from './video_support.js';
import { Watchdog } from './watchdog.js';

const maxWaitingBytes = 64 << 20; // until the MediaSource is open
const users = new WeakMap(); // the player of each video element

export class MSEPlayer {
  // The interface of all players: see stream_player.js.
  constructor(stream, display, events) {
    Object.assign(this, { stream, display, events });
    this.video = display.video;
    display.keepPicture(); // another stream may have its picture on the same element
    users.get(this.video)?.close();
    users.set(this.video, this);
    this.timeline = new MediaTimeline();
    this.position = new PlaybackPosition(this.video);
    this.presented = new PresentedFrames(this.video, (frame) => this.onPresented(frame));
    this.watchdog = new Watchdog(() => this.fail('the browser shows no pictures of this video'));
    this.waiting = []; // frames until the MediaSource is open
    this.waitingBytes = 0;
    this.newest = null; // the number of the newest frame
    this.fragments = 0;
    this.abort = new AbortController();
    const { signal } = this.abort;
    this.video.addEventListener('error', () => this.fail(this.video.error?.message || 'the browser cannot play this video'), { signal });
    document.addEventListener('visibilitychange', () => this.resume(), { signal });
    this.open();
  }

  get details() { return { player: 'MSE', decoder: '' }; }

  open() {
    this.source = new (mediaSourceClass())();
    this.source.addEventListener('sourceopen', () => this.addBuffer(), { once: true, signal: this.abort.signal });
    this.url = URL.createObjectURL(this.source);
    this.video.disableRemotePlayback = true; // ManagedMediaSource requires it
    this.video.src = this.url;
    this.play();
  }

  play() {
    this.video.play().catch((error) => {
      if (error.name !== 'AbortError') this.fail(error.message); // AbortError: paused by the browser, or another stream uses the element
    });
  }

  addBuffer() {
    try {
      const sourceBuffer = this.source.addSourceBuffer(`video/mp4; codecs="${this.stream.codec}"`);
      this.buffer = new MediaBuffer(sourceBuffer, () => this.position.seconds, ({ message }) => this.fail(message));
    } catch (error) {
      this.fail(error.message);
      return;
    }
    this.buffer.append(this.stream.init);
    for (const frame of this.waiting.splice(0)) this.append(frame);
  }

  // write takes over the bytes of a frame.
  write(frame) {
    if (this.closed) return;
    this.newest = frame.seq;
    if (this.buffer) {
      this.append(frame);
    } else {
      this.waiting.push(frame);
      this.waitingBytes += frame.data.length;
      if (this.waitingBytes > maxWaitingBytes) this.fail('the browser takes no video');
    }
  }

  append(frame) {
    if (this.closed) return; // a frame before has failed
    const { seq, taken, placeholder, catchUp, key } = frame;
    const times = this.timeline.place(frame, this.position.seconds * timescale);
    const displayAt = times.display / timescale;
    this.presented.add({ seq, taken, placeholder, catchUp }, displayAt);
    this.buffer.append(buildFragment(++this.fragments, times, frame), {
      keyAt: key ? displayAt : undefined,
      onAppended: () => {
        this.watchdog.input();
        this.position.follow(times.decode / timescale);
        if (this.video.paused && !document.hidden) this.play(); // browsers pause a video that is not visible
        this.events.onTaken(seq);
      },
    });
  }

  onPresented({ catchUp, ...picture }) {
    this.watchdog.output();
    if (catchUp) return; // a newer one is on its way
    if (this.display.shown !== this.video) this.display.show('video');
    this.events.onPicture(picture);
  }

  // resume goes to the newest frame when the page is visible again.
  resume() {
    if (document.hidden) return;
    this.position.seekToNewest();
    this.play();
  }

  // fail keeps the last picture for the next player, and acknowledges all frames.
  fail(message) {
    if (this.closed) return;
    if (this.display.shown === this.video) this.display.keepPicture();
    this.close();
    if (this.newest !== null) this.events.onTaken(this.newest); // otherwise camd would wait for it before it sends the next keyframe
    this.events.onFailed(message);
  }

  // close empties the buffers, so that no picture stays in the element.
  close() {
    if (this.closed) return;
    this.closed = true;
    this.abort.abort();
    this.watchdog.close();
    this.presented.close();
    this.buffer?.close();
    this.waiting = [];
    URL.revokeObjectURL(this.url);
    this.video.removeAttribute('src');
    this.video.load();
    if (users.get(this.video) === this) users.delete(this.video);
    this.source = this.buffer = null;
  }
}
