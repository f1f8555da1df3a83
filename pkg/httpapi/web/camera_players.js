// The players of one camera of the wall: the one of its stream, and the one before it until the new stream has a picture.

import { StreamPlayer } from './stream_player.js';

export class CameraPlayers {
  constructor(liveView) {
    this.liveView = liveView;
    this.current = null;
    this.previous = null; // keeps the last picture of the stream before
    this.hasPicture = false; // of the current stream
  }

  // begin starts a stream. kinds and events are those of a StreamPlayer, without onPicture.
  begin(stream, kinds, events) {
    this.end();
    if (this.hasPicture) {
      this.previous?.close();
      this.previous = this.current;
    } else this.current?.close();
    const player = new StreamPlayer(stream, this.liveView.display, kinds, { ...events, onPicture: (picture) => this.showPicture(player, picture) });
    this.current = player;
    this.hasPicture = false;
    this.liveView.setStream(stream, player);
  }

  write(frame) {
    this.liveView.countFrame(frame);
    this.current.write(frame);
  }

  // end says that no more frames of the stream follow. The player keeps its picture.
  end() { this.current?.end(); }

  // clear removes every picture, also those that the players hold. The stream may continue.
  clear() {
    this.previous?.close();
    this.previous = null;
    this.hasPicture = false;
    this.current?.restart();
    this.liveView.clear();
    if (this.current) this.liveView.setStream(this.current.stream, this.current);
  }

  // close ends the players. Their last picture stays, on the page's canvas.
  close() {
    if (!this.current) return;
    this.liveView.display.keepPicture();
    this.previous?.close();
    this.current.close();
    this.previous = this.current = null;
    this.hasPicture = false;
    this.liveView.endStream();
  }

  showPicture(player, picture) {
    if (player !== this.current) return;
    this.hasPicture = true;
    this.previous?.close();
    this.previous = null;
    this.liveView.showPicture(picture);
  }
}
