// The connection to the wall: a WebSocket that connects again when it is lost. It knows nothing about what the messages mean.

import { fetchWallError } from './api.js';

const silenceTimeout = 30000; // ms without a message after which the connection counts as lost
const openTimeout = 10000; // ms for a connection to open
const minRetry = 500;
const maxRetry = 10000;
const steadyTime = 10000; // ms after which the loss of a connection is not a repetition of the one before
const tickInterval = 1000;
const sleepGap = 5000; // ms between two ticks after which the page has slept: camd may have closed the connection without a notice

export class WallConnection {
  // events has five functions. onOpen is called when the connection is open, and onClose when it is no longer used. onMessage is called
  // with a string or an ArrayBuffer. onRetry is called with the time of the next attempt. onRefused is called with the reason why camd
  // refuses the connection; the next attempt comes later.
  constructor(events) {
    this.events = events;
    this.retryDelay = minRetry;
    this.started = false;
    this.pageLeft = false; // the page was left; a browser may keep it and show it again
    this.isQuiet = true; // camd sends nothing now
    addEventListener('pagehide', () => this.leave());
    addEventListener('pageshow', () => {
      if (!this.pageLeft) return;
      this.pageLeft = false;
      if (this.started) this.connect();
    });
  }

  get connected() { return this.socket?.readyState === WebSocket.OPEN; }

  // start connects, unless it has been called before.
  start() {
    if (this.started) return;
    this.started = true;
    this.connect();
  }

  send(message) {
    if (this.connected) this.socket.send(JSON.stringify(message));
  }

  // setQuiet says whether camd sends nothing, because no camera is subscribed or the page is hidden. Then silence is no fault. When
  // messages are expected again and the page slept meanwhile, the connection is replaced.
  setQuiet(isQuiet) {
    this.isQuiet = isQuiet;
    this.checkSleep();
    this.restartSilenceTimer();
  }

  // retryNow ends the wait for the next attempt.
  retryNow() {
    if (this.retryTimer) this.connect();
  }

  // leave closes the connection: camd counts it while it is open, even if the page is not visible.
  leave() {
    this.pageLeft = true;
    this.disconnect();
    clearTimeout(this.retryTimer);
    this.retryTimer = null;
  }

  // retryLater closes the connection and tries again later, with growing delays.
  retryLater({ isRefused = false } = {}) {
    if (this.socket && Date.now() - this.connectedAt > steadyTime) this.retryDelay = minRetry;
    this.disconnect();
    const wait = this.retryDelay * (0.8 + 0.4 * Math.random());
    this.retryDelay = Math.min(2 * this.retryDelay, maxRetry);
    this.retryTimer = setTimeout(() => this.connect(), wait);
    if (isRefused) this.reportRefusal(Date.now() + wait);
    else this.events.onRetry(Date.now() + wait);
  }

  connect() {
    clearTimeout(this.retryTimer);
    this.retryTimer = null;
    if (this.pageLeft) return;
    this.disconnect();
    const socket = new WebSocket(new URL('/api/v1/wall', location.href.replace(/^http/, 'ws')));
    socket.binaryType = 'arraybuffer';
    this.socket = socket;
    this.silenceTimer = setTimeout(() => this.retryLater(), openTimeout);
    this.connectedAt = this.tickedAt = Date.now();
    this.hasSlept = false;
    this.ticker = setInterval(() => this.checkSleep(), tickInterval);
    let opened = false;
    socket.onopen = () => {
      opened = true;
      this.restartSilenceTimer();
      this.events.onOpen();
    };
    socket.onmessage = ({ data }) => {
      this.restartSilenceTimer();
      this.events.onMessage(data);
    };
    socket.onclose = () => this.retryLater({ isRefused: !opened });
  }

  disconnect() {
    const { socket } = this;
    this.socket = null;
    clearTimeout(this.silenceTimer);
    clearInterval(this.ticker);
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    this.events.onClose();
  }

  // checkSleep replaces the connection at once if the page slept: what camd has sent meanwhile is old, if it still arrives. While the
  // connection is quiet this waits, because browsers also delay the timers of hidden pages.
  checkSleep() {
    const now = Date.now(); // performance.now stands still in some browsers while the computer sleeps
    this.hasSlept ||= now - this.tickedAt > sleepGap;
    this.tickedAt = now;
    if (this.socket && this.hasSlept && !this.isQuiet) this.connect();
  }

  restartSilenceTimer() {
    if (!this.connected) return; // the timer limits the time to open
    clearTimeout(this.silenceTimer);
    if (!this.isQuiet) this.silenceTimer = setTimeout(() => this.retryLater(), silenceTimeout);
  }

  // reportRefusal finds out why the connection was refused: browsers hide the response to a WebSocket request.
  async reportRefusal(retryAt) {
    const reason = await fetchWallError();
    if (this.connected || this.pageLeft) return;
    if (reason) this.events.onRefused(reason);
    else this.events.onRetry(retryAt);
  }
}
