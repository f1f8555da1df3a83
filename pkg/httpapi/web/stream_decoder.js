// Decodes one stream in a worker with WebCodecs, a standard of the W3C.

import { decoderConfig } from './decoder_config.js';

const maxQueuedFrames = 600; // that the decoder has not taken; a stream can begin with a whole group of pictures
const maxPendingFrames = 1024; // whose pictures have not come
const frameDuration = 40000; // µs; the times are not used for presentation, but Firefox abandons decoders of frames without durations

export class StreamDecoder {
  // stream is {codec, description, isSmall}. Events:
  // - onReady(kind) before the first frame: software, hardware, or empty if the browser does not tell
  // - onTaken(seq) when the decoder has taken the frames up to this number, or they are left out
  // - onPicture(picture, frame) for each picture, with what write got of its frame. The receiver closes the picture
  // - onFailed(message) once; nothing follows
  constructor(stream, events) {
    this.events = events;
    this.config = null;
    this.decoder = null; // until a keyframe comes
    this.isClosed = false;
    this.queue = []; // frames that the decoder has not taken; before it has a configuration, all frames
    this.pending = new Map(); // frames whose pictures have not come, by timestamp
    this.configure(stream);
  }

  async configure(stream) {
    const { config, decoder } = await decoderConfig(stream);
    if (this.isClosed) return;
    if (!config) {
      this.fail(`this browser has no decoder for ${stream.codec}`);
      return;
    }
    this.config = config;
    this.events.onReady(decoder);
    for (const frame of this.queue.splice(0)) this.write(frame);
  }

  // write takes a frame: {seq, key, pts in µs, data}, and anything that the receiver of the picture needs.
  write(frame) {
    if (this.isClosed) return;
    if (this.queue.length >= maxQueuedFrames) {
      this.fail('the decoder is too slow');
      return;
    }
    if (!this.config) {
      this.queue.push(frame);
      return;
    }
    if (!this.decoder && !frame.key) {
      this.events.onTaken(frame.seq);
      return;
    }
    try {
      this.decoder ??= this.open();
      this.decode(frame);
    } catch (error) {
      this.fail(error.message);
    }
  }

  open() {
    const decoder = new VideoDecoder({
      output: (picture) => this.deliver(picture),
      error: (error) => { if (decoder === this.decoder) this.handleError(error); },
    });
    decoder.ondequeue = () => this.acknowledge();
    decoder.configure(this.config);
    return decoder;
  }

  decode({ data, ...frame }) {
    let timestamp = frame.pts;
    while (this.pending.has(timestamp)) timestamp++; // the picture is found by it
    this.pending.set(timestamp, frame);
    if (this.pending.size > maxPendingFrames) this.pending.delete(this.pending.keys().next().value);
    this.queue.push(frame);
    this.decoder.decode(new EncodedVideoChunk({ type: frame.key ? 'key' : 'delta', timestamp, duration: frameDuration, data }));
    this.acknowledge();
  }

  deliver(picture) {
    const frame = this.pending.get(picture.timestamp);
    this.pending.delete(picture.timestamp);
    if (this.isClosed || !frame) picture.close();
    else this.events.onPicture(picture, frame);
  }

  // acknowledge reports the frames that have left the decoder's queue.
  acknowledge() {
    const size = this.decoder?.decodeQueueSize ?? 0;
    const taken = this.queue.splice(0, Math.max(0, this.queue.length - size)).at(-1);
    if (taken) this.events.onTaken(taken.seq);
  }

  // handleError handles the end of the decoder. Browsers reclaim decoders of pages in the background, which is not a failure of the stream:
  // it continues with the next keyframe.
  handleError(error) {
    if (error.name !== 'QuotaExceededError') {
      this.fail(error.message);
      return;
    }
    this.decoder = null;
    this.pending.clear();
    this.acknowledge();
  }

  fail(message) {
    if (this.isClosed) return;
    this.close();
    this.events.onFailed(message);
  }

  close() {
    this.isClosed = true;
    if (this.decoder && this.decoder.state !== 'closed') this.decoder.close();
    this.decoder = null;
    this.queue = [];
    this.pending.clear();
  }
}
