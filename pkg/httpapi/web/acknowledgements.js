// Acknowledgements of the wall's frames. They are collected, because each message costs camd about as much as a frame.

export class Acknowledgements {
  // send is called with the number of the newest frame that was taken, by stream.
  constructor(send) {
    this.send = send;
    this.clear();
  }

  // add acknowledges a frame of a stream, and all before it, after at most delay ms.
  add(stream, seq, delay) {
    this.seen[stream] = Math.max(seq, this.seen[stream] ?? 0); // the older of two may be decoded last
    const due = performance.now() + delay;
    if (due >= this.due) return;
    this.due = due;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      const { seen } = this;
      this.clear();
      this.send(seen);
    }, delay);
  }

  // clear drops the acknowledgements that have not been sent.
  clear() {
    clearTimeout(this.timer);
    this.seen = {};
    this.due = Number.POSITIVE_INFINITY;
  }
}
