// Shows a stream of JPEGs (docs/protocol.md, codec jpeg).

export class JPEGPlayer {
  // display is a PictureDisplay. events.onTaken is called with the number of each frame when it is on the screen or is not going to be,
  // and events.onPicture with {seq, taken, placeholder} when a picture is on the screen.
  constructor(_stream, display, events) {
    this.display = display;
    this.events = events;
    this.newest = -1; // number of the frame on the screen
    this.isClosed = false;
  }

  get details() { return { player: 'JPEG', decoder: 'software' }; }

  async write({ seq, taken, placeholder, data }) {
    let bitmap = null;
    try {
      bitmap = await createImageBitmap(new Blob([data], { type: 'image/jpeg' }));
    } catch {
      // The picture cannot be decoded. The next one replaces it.
    }
    if (this.isClosed) {
      bitmap?.close();
      return;
    }
    // Two pictures can be decoded at the same time, and the older one can finish last.
    if (bitmap && seq > this.newest) {
      this.newest = seq;
      this.display.drawBitmap(bitmap);
      this.events.onPicture({ seq, taken, placeholder });
    }
    bitmap?.close();
    this.events.onTaken(seq);
  }

  close() { this.isClosed = true; }
}
