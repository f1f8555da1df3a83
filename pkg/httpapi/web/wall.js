// The client of the wall: the newest pictures of many cameras over one WebSocket (docs/protocol.md).

import { fetchWallError } from './api.js';

const silenceTimeout = 30000; // ms without a message after which the connection counts as lost
const minRetry = 500;
const maxRetry = 10000;
const openTimeout = 10000; // ms for a connection to open
const ackDelay = 30; // ms for which acknowledgements are collected, because each message costs camd as much as a picture

export class WallClient {
  // onPicture is called with a camera's id, its picture as an ImageBitmap that is closed afterwards, and {taken, placeholder,
  // rendition}: taken is in milliseconds since 1970.
  // onConnection is called with null when the connection is open, and with the time of the next attempt when it is lost.
  // onRefused is called with a camera's id and why camd refuses its pictures. If camd refuses the connection, it is called
  // for every camera.
  constructor({ onPicture, onConnection, onRefused }) {
    this.onPicture = onPicture;
    this.onConnection = onConnection;
    this.onRefused = onRefused;
    this.subscriptions = new Map(); // camera to rendition
    this.paused = document.hidden;
    this.retryDelay = minRetry;
    this.pageLeft = false; // the page was left; a browser may keep it and show it again
    addEventListener('pagehide', () => this.leave());
    addEventListener('pageshow', () => {
      if (!this.pageLeft) return;
      this.pageLeft = false;
      this.connect();
    });
  }

  get connected() { return this.socket?.readyState === WebSocket.OPEN; }

  // isWatching reports whether camd counts this page as a viewer of a camera.
  isWatching(camera) { return this.connected && !this.paused && this.subscriptions.has(camera); }

  // retryNow ends the wait for the next attempt: camd has answered another request.
  retryNow() {
    if (this.retryTimer) this.connect();
  }

  // watch subscribes to a list of [camera, rendition], and unsubscribes from all other cameras.
  watch(list) {
    const subscriptions = new Map(list);
    for (const [camera, rendition] of subscriptions) {
      if (this.subscriptions.get(camera) !== rendition) this.send({ type: 'subscribe', camera, rendition });
    }
    for (const camera of this.subscriptions.keys()) {
      if (!subscriptions.has(camera)) this.send({ type: 'unsubscribe', camera });
    }
    this.subscriptions = subscriptions;
    if (!this.socket && !this.retryTimer) this.connect();
  }

  pause(paused) {
    this.paused = paused;
    this.send({ type: paused ? 'pause' : 'resume' });
    if (!paused) this.retryNow(); // the user is looking at the page
    this.restartSilenceTimer();
  }

  // leave closes the connection: camd counts it while it is open, even if the page is not visible.
  leave() {
    this.pageLeft = true;
    this.disconnect();
    clearTimeout(this.retryTimer);
    this.retryTimer = null;
  }

  disconnect() {
    const { socket } = this;
    this.socket = null;
    clearTimeout(this.silenceTimer);
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  connect() {
    clearTimeout(this.retryTimer);
    this.retryTimer = null;
    if (this.pageLeft) return;
    const socket = new WebSocket(new URL('/api/v1/wall', location.href.replace(/^http/, 'ws')));
    socket.binaryType = 'arraybuffer';
    this.socket = socket;
    this.newest = new Map(); // the sequence number of the shown picture, by camera
    this.pendingAcks = {}; // the sequence number to acknowledge, by camera
    this.silenceTimer = setTimeout(() => this.scheduleRetry(socket, false), openTimeout);
    let opened = false;
    socket.onopen = () => {
      opened = true;
      this.retryDelay = minRetry;
      this.onConnection(null);
      if (this.paused) this.send({ type: 'pause' });
      for (const [camera, rendition] of this.subscriptions) this.send({ type: 'subscribe', camera, rendition });
      this.restartSilenceTimer();
    };
    socket.onmessage = (event) => {
      this.restartSilenceTimer();
      if (event.data instanceof ArrayBuffer) {
        this.handlePicture(socket, event.data);
        return;
      }
      const { type, camera, message } = JSON.parse(event.data);
      if (type === 'subscribed') this.newest.delete(camera); // another rendition has other numbers
      // camd refused the camera or removed it. The next call of watch subscribes again.
      if ((type === 'error' || (type === 'unsubscribed' && message)) && this.subscriptions.delete(camera)) this.onRefused(camera, message);
    };
    socket.onclose = () => this.scheduleRetry(socket, !opened);
  }

  // scheduleRetry closes the connection and tries again later, with growing delays.
  scheduleRetry(socket, refused) {
    if (socket !== this.socket) return;
    this.disconnect();
    const wait = this.retryDelay * (0.8 + 0.4 * Math.random());
    this.retryDelay = Math.min(2 * this.retryDelay, maxRetry);
    this.retryTimer = setTimeout(() => this.connect(), wait);
    if (refused) this.reportRefusal(Date.now() + wait);
    else this.onConnection(Date.now() + wait);
  }

  // reportRefusal finds out why the connection was refused: browsers hide the response to a WebSocket request.
  async reportRefusal(retryAt) {
    const reason = await fetchWallError();
    if (this.connected || this.pageLeft) return;
    if (!reason) {
      this.onConnection(retryAt);
      return;
    }
    this.onConnection(null);
    for (const camera of this.subscriptions.keys()) this.onRefused(camera, reason);
  }

  restartSilenceTimer() {
    clearTimeout(this.silenceTimer);
    const { socket } = this;
    if (socket && !this.paused && this.subscriptions.size) this.silenceTimer = setTimeout(() => this.scheduleRetry(socket, false), silenceTimeout);
  }

  send(message) {
    if (this.connected) this.socket.send(JSON.stringify(message));
  }

  // acknowledge reports to camd that a picture was processed. With only one camera it does so at once.
  acknowledge(camera, seq) {
    this.pendingAcks[camera] = Math.max(seq, this.pendingAcks[camera] ?? 0); // the older of two may be decoded last
    this.ackTimer ??= setTimeout(() => {
      this.ackTimer = null;
      const seen = this.pendingAcks;
      this.pendingAcks = {};
      this.send({ type: 'ack', seen });
    }, this.subscriptions.size > 1 ? ackDelay : 0);
  }

  async handlePicture(socket, message) {
    const view = new DataView(message);
    if (view.getUint8(0) !== 1) return;
    const start = view.getUint16(2);
    const seq = view.getBigUint64(4);
    const name = (offset, length) => new TextDecoder().decode(new Uint8Array(message, offset, length));
    const camera = name(28, view.getUint16(24));
    const rendition = name(28 + view.getUint16(24), view.getUint16(26));
    try {
      const bitmap = await createImageBitmap(new Blob([new Uint8Array(message, start)], { type: 'image/jpeg' }));
      // Two pictures can be decoded at the same time, and the older one can finish last.
      if (socket === this.socket && this.subscriptions.get(camera) === rendition && !(seq < this.newest.get(camera))) {
        this.newest.set(camera, seq);
        this.onPicture(camera, bitmap, { taken: Number(view.getBigUint64(12)) / 1000, placeholder: (view.getUint8(1) & 1) !== 0, rendition });
      }
      bitmap.close();
    } catch {
      // The picture cannot be decoded. The next one replaces it.
    }
    if (socket === this.socket) this.acknowledge(camera, Number(seq));
  }
}
