// The wall: the newest pictures of many cameras over one WebSocket, as docs/protocol.md has it.

import { wallRefusal } from './api.js';

const silentFor = 30000; // without a word for so long, the connection is as good as gone
const firstRetry = 500;
const lastRetry = 10000;
const patience = 10000; // for a connection to open
const collect = 30; // acknowledgements of many cameras go together: each message costs camd as much as a picture

export class Wall {
  // show is called with a camera's id, its picture as an ImageBitmap that the wall closes afterwards, and what is known of
  // it: {taken} in milliseconds since 1970, {drawn} whether camd drew it for want of one, {rendition}.
  // trouble is called with when the next attempt is made, and with null once there is a connection.
  // refused is called with a camera's id and why its pictures are not to be had. If camd refuses the connection, it is called
  // for every camera.
  constructor({ show, trouble, refused }) {
    this.show = show;
    this.trouble = trouble;
    this.refused = refused;
    this.wanted = new Map(); // camera to rendition
    this.paused = document.hidden;
    this.retry = firstRetry;
    this.left = false; // the page was left; a browser may keep it and show it again
    addEventListener('pagehide', () => this.leave());
    addEventListener('pageshow', () => {
      if (!this.left) return;
      this.left = false;
      this.connect();
    });
  }

  get connected() { return this.socket?.readyState === WebSocket.OPEN; }

  // hurry ends the wait for the next attempt: camd has been heard of.
  hurry() {
    if (this.timer) this.connect();
  }

  // watch says what is to be shown: [camera, rendition] each.
  watch(list) {
    const wanted = new Map(list);
    for (const [camera, rendition] of wanted) {
      if (this.wanted.get(camera) !== rendition) this.say({ type: 'subscribe', camera, rendition });
    }
    for (const camera of this.wanted.keys()) {
      if (!wanted.has(camera)) this.say({ type: 'unsubscribe', camera });
    }
    this.wanted = wanted;
    if (!this.socket && !this.timer) this.connect();
  }

  pause(paused) {
    this.paused = paused;
    this.say({ type: paused ? 'pause' : 'resume' });
    if (!paused) this.hurry(); // whoever looks at it does not want to wait
    this.heard();
  }

  // leave closes the connection: camd counts it while it is open, also that of a page that nobody sees.
  leave() {
    this.left = true;
    this.disconnect();
    clearTimeout(this.timer);
    this.timer = null;
  }

  disconnect() {
    const { socket } = this;
    this.socket = null;
    clearTimeout(this.silence);
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  connect() {
    clearTimeout(this.timer);
    this.timer = null;
    if (this.left) return;
    const socket = new WebSocket(new URL('/api/v1/wall', location.href.replace(/^http/, 'ws')));
    socket.binaryType = 'arraybuffer';
    this.socket = socket;
    this.newest = new Map(); // camera to the number of the picture that is shown
    this.seen = {}; // camera to the number of the picture to acknowledge
    this.silence = setTimeout(() => this.lost(socket, false), patience);
    let opened = false;
    socket.onopen = () => {
      opened = true;
      this.retry = firstRetry;
      this.trouble(null);
      if (this.paused) this.say({ type: 'pause' });
      for (const [camera, rendition] of this.wanted) this.say({ type: 'subscribe', camera, rendition });
      this.heard();
    };
    socket.onmessage = (event) => {
      this.heard();
      if (event.data instanceof ArrayBuffer) {
        this.picture(socket, event.data);
        return;
      }
      const { type, camera, message } = JSON.parse(event.data);
      if (type === 'subscribed') this.newest.delete(camera); // another rendition has other numbers
      // Refused, or gone: the next watch asks again.
      if ((type === 'error' || (type === 'unsubscribed' && message)) && this.wanted.delete(camera)) this.refused(camera, message);
    };
    socket.onclose = () => this.lost(socket, !opened);
  }

  // lost tries again, for ever, a little later each time.
  lost(socket, refused) {
    if (socket !== this.socket) return;
    this.disconnect();
    const wait = this.retry * (0.8 + 0.4 * Math.random());
    this.retry = Math.min(2 * this.retry, lastRetry);
    this.timer = setTimeout(() => this.connect(), wait);
    if (refused) this.explain(Date.now() + wait);
    else this.trouble(Date.now() + wait);
  }

  // explain asks why a connection was refused: a browser does not tell the answer to a WebSocket's request.
  async explain(again) {
    const reason = await wallRefusal();
    if (this.connected || this.left) return;
    if (!reason) {
      this.trouble(again);
      return;
    }
    this.trouble(null);
    for (const camera of this.wanted.keys()) this.refused(camera, reason);
  }

  heard() {
    clearTimeout(this.silence);
    const { socket } = this;
    if (socket && !this.paused && this.wanted.size) this.silence = setTimeout(() => this.lost(socket, false), silentFor);
  }

  say(message) {
    if (this.connected) this.socket.send(JSON.stringify(message));
  }

  // acknowledge says that a picture has been dealt with, at once where there is one camera, which should not wait.
  acknowledge(camera, seq) {
    this.seen[camera] = Math.max(seq, this.seen[camera] ?? 0); // the older of two may be decoded last
    this.flushing ??= setTimeout(() => {
      this.flushing = null;
      const { seen } = this;
      this.seen = {};
      this.say({ type: 'ack', seen });
    }, this.wanted.size > 1 ? collect : 0);
  }

  async picture(socket, message) {
    const view = new DataView(message);
    if (view.getUint8(0) !== 1) return;
    const start = view.getUint16(2);
    const seq = view.getBigUint64(4);
    const name = (offset, length) => new TextDecoder().decode(new Uint8Array(message, offset, length));
    const camera = name(28, view.getUint16(24));
    const rendition = name(28 + view.getUint16(24), view.getUint16(26));
    try {
      const bitmap = await createImageBitmap(new Blob([new Uint8Array(message, start)], { type: 'image/jpeg' }));
      // Two may be decoded at a time, and the older one be done last.
      if (socket === this.socket && this.wanted.get(camera) === rendition && !(seq < this.newest.get(camera))) {
        this.newest.set(camera, seq);
        this.show(camera, bitmap, { taken: Number(view.getBigUint64(12)) / 1000, drawn: (view.getUint8(1) & 1) !== 0, rendition });
      }
      bitmap.close();
    } catch {
      // One that cannot be decoded: the next one will do.
    }
    if (socket === this.socket) this.acknowledge(camera, Number(seq));
  }
}
