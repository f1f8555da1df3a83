// Shows a stream of video with WebCodecs: a worker decodes it and draws on the canvas of the display.

import { decoderDescription } from './decoder_config.js';
import { openStream } from './video_worker_client.js';
import { Watchdog } from './watchdog.js';

const maxSmallPixels = 1280 * 720; // of pictures that software decodes cheaply enough for many tiles

export class WebCodecsPlayer {
  // stream is that of the wall's client, and display a PictureDisplay. Events:
  // - onTaken(seq) when the decoder has taken the frames up to this number, or they are left out
  // - onPicture({seq, taken, placeholder}) when a picture is on the screen. Pictures that came too fast for the screen are left out
  // - onFailed(message) once; nothing follows. The frames so far are acknowledged before
  constructor(stream, display, events) {
    this.display = display;
    this.events = events;
    this.kind = ''; // of the decoder: software, hardware, or empty if the browser does not tell
    this.lastSeq = null; // of the frames so far
    this.hasKey = false; // whether there was a keyframe
    this.framesBefore = 0; // from the first keyframe until the worker was ready
    this.isShown = false; // whether this player's first picture is on the screen
    this.isClosed = false;
    try {
      const isSmall = stream.view === 'grid' && !(stream.width * stream.height > maxSmallPixels);
      const config = { codec: stream.codec, description: decoderDescription(stream.init), isSmall };
      this.decoder = openStream(config, display, (report) => this.handle(report));
    } catch (error) {
      queueMicrotask(() => this.fail(error.message)); // the caller does not have this player yet
    }
  }

  get details() { return { player: 'WebCodecs', decoder: this.kind }; }

  // write takes over the bytes of a frame: frame.data is empty afterwards.
  write(frame) {
    if (this.isClosed) return;
    this.lastSeq = frame.seq;
    this.hasKey ||= frame.key;
    if (this.watchdog && this.hasKey) this.watchdog.input();
    else if (this.hasKey) this.framesBefore++;
    this.decoder?.write(frame);
  }

  handle({ ready, pictures, taken, picture, drawn, failed }) {
    if (this.isClosed) return;
    if (ready !== undefined) {
      this.kind = ready;
      this.watchdog = new Watchdog(() => this.fail('the decoder delivers no pictures')); // not before: the worker may load slowly
      for (; this.framesBefore > 0; this.framesBefore--) this.watchdog.input();
    }
    if (pictures) this.watchdog?.output();
    if (taken !== undefined) this.events.onTaken(taken);
    if (picture) this.display.drawFrame(picture); // otherwise the worker has drawn it
    else if (drawn && !this.isShown) this.display.show('worker');
    if (drawn) this.show(drawn);
    if (failed !== undefined) this.fail(failed);
  }

  show(picture) {
    this.isShown = true;
    this.events.onPicture(picture);
  }

  fail(message) {
    if (this.isClosed) return;
    if (this.display.showsWorker) this.display.keepPicture();
    this.close();
    if (this.lastSeq !== null) this.events.onTaken(this.lastSeq); // otherwise camd would wait for it before it sends the next keyframe
    this.events.onFailed(message);
  }

  close() {
    this.isClosed = true;
    this.watchdog?.close();
    this.decoder?.close();
  }
}
