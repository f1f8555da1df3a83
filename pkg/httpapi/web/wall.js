// The client of the wall: the live video or the newest pictures of many cameras over one WebSocket (docs/protocol.md).

import { Acknowledgements } from './acknowledgements.js';
import { CameraPlayers } from './camera_players.js';
import { FrameAssembler, streamOf } from './frame_assembler.js';
import { PlayerFailures } from './player_failures.js';
import { decodableCodecs, playerKinds } from './video_support.js';
import { WallConnection } from './wall_connection.js';

const protocolVersion = 2;
const ackDelay = 100; // ms for which acknowledgements are collected
const jpegAckDelay = 30; // shorter, because camd sends the next JPEG only after the acknowledgement

const decodeBase64 = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

export class WallClient {
  // onConnection is called with null when the connection is open, and with the time of the next attempt when it is lost.
  // onRefused is called with a camera's id and why camd refuses its pictures. If camd refuses the connection, it is called
  // for every camera.
  constructor({ onConnection, onRefused }) {
    this.onConnection = onConnection;
    this.onRefused = onRefused;
    this.subscriptions = new Map(); // camera to {view, players, stream, isRefused}; stream is the number of its stream
    this.streams = new Map(); // number of a stream to the players of its camera
    this.failures = new PlayerFailures(() => { if (this.isReady) this.sendHello(); }); // camd forgets them, too
    this.paused = document.hidden;
    this.isReady = false; // camd knows what this client decodes
    this.assembler = new FrameAssembler();
    this.acknowledgements = new Acknowledgements((seen) => this.send({ type: 'ack', seen }));
    this.connection = new WallConnection({
      onOpen: () => this.greet(),
      onClose: () => this.endStreams(),
      onMessage: (data) => this.handleMessage(data),
      onRetry: (at) => this.onConnection(at),
      onRefused: (reason) => {
        this.onConnection(null);
        for (const camera of this.subscriptions.keys()) this.onRefused(camera, reason);
      },
    });
    decodableCodecs().then((decodable) => {
      this.decodable = decodable;
      if (this.connected) this.greet();
    });
  }

  get connected() { return this.connection.connected; }

  // isWatching reports whether camd counts this page as a viewer of a camera.
  isWatching(camera) {
    const subscription = this.subscriptions.get(camera);
    return this.isReady && !this.paused && subscription !== undefined && !subscription.isRefused;
  }

  // retryNow ends the wait for the next attempt: camd has answered another request.
  retryNow() { this.connection.retryNow(); }

  // watch subscribes to a list of [camera, view, liveView], and unsubscribes from all other cameras. A view is grid or full.
  watch(list) {
    const wanted = new Map(list.map(([camera, view, liveView]) => [camera, { view, liveView }]));
    for (const camera of this.subscriptions.keys()) if (!wanted.has(camera)) this.unsubscribe(camera);
    for (const [camera, { view, liveView }] of wanted) this.subscribe(camera, view, liveView);
    this.updateQuiet();
    this.connection.start();
  }

  // pause stops all cameras while nobody sees the page, and starts them again. What failed before may work by then.
  pause(paused) {
    this.paused = paused;
    if (paused) {
      this.endStreams(); // resume starts others
      this.send({ type: 'pause' });
    }
    this.updateQuiet(); // before resume, which an old connection need not get
    if (paused) return;
    this.failures.clear();
    if (this.isReady) this.sendHello();
    this.send({ type: 'resume' });
    this.retryNow(); // the user is looking at the page
  }

  leave() { this.connection.leave(); }

  // send sends a message, unless camd gets it when the connection is ready.
  send(message) {
    if (this.isReady) this.connection.send(message);
  }

  sendHello() { this.connection.send({ type: 'hello', decodes: [...new Set([...this.decodable.webcodecs, ...this.decodable.mse])] }); }

  // greet tells camd what the page wants, as soon as it is connected and knows what it can decode.
  greet() {
    if (!this.decodable) return;
    this.isReady = true;
    this.sendHello();
    if (this.paused) this.send({ type: 'pause' });
    for (const [camera, { view }] of this.subscriptions) this.send({ type: 'subscribe', camera, view });
    this.onConnection(null);
  }

  // updateQuiet tells the connection whether messages are expected.
  updateQuiet() { this.connection.setQuiet(this.paused || this.subscriptions.size === 0); }

  subscribe(camera, view, liveView) {
    const before = this.subscriptions.get(camera);
    if (before?.view === view && before.players.liveView === liveView && !before.isRefused) return;
    let players = before?.players;
    if (players?.liveView !== liveView) {
      if (before) this.unsubscribe(camera);
      players = new CameraPlayers(liveView);
    }
    this.subscriptions.set(camera, { view, players, stream: this.subscriptions.get(camera)?.stream, isRefused: false });
    this.send({ type: 'subscribe', camera, view });
  }

  unsubscribe(camera) {
    this.send({ type: 'unsubscribe', camera });
    this.remove(camera);
  }

  remove(camera) {
    const subscription = this.subscriptions.get(camera);
    subscription.players.close();
    this.endStream(subscription);
    this.subscriptions.delete(camera);
  }

  // endStream forgets the stream of a camera, and what has come of its next frame.
  endStream({ stream }) {
    this.streams.delete(stream);
    this.assembler.forget(stream);
  }

  // endStreams closes all players: a page that is hidden or not connected decodes nothing. The last pictures stay.
  endStreams() {
    if (!this.connected) this.isReady = false;
    this.assembler = new FrameAssembler();
    this.acknowledgements.clear();
    this.streams.clear();
    for (const { players } of this.subscriptions.values()) players.close();
  }

  handleMessage(data) {
    try {
      if (data instanceof ArrayBuffer) this.handlePiece(data);
      else this.handleText(JSON.parse(data));
    } catch (error) {
      console.error(error); // camd and this page do not understand each other
      this.connection.retryLater();
    }
  }

  handlePiece(message) {
    const players = this.streams.get(streamOf(message));
    if (!players) return; // of a stream that has ended here; it may be the rest of a frame
    const frame = this.assembler.add(message);
    if (frame) players.write(frame);
  }

  handleText(message) {
    const { type, camera } = message;
    const subscription = this.subscriptions.get(camera);
    if (type === 'hello' && message.version !== protocolVersion) {
      for (const id of this.subscriptions.keys()) this.onRefused(id, 'this page is for another version of camd: reload it');
    } else if (!subscription) return; // the page has unsubscribed meanwhile
    else if (type === 'stream') this.beginStream(subscription, message);
    else if (type === 'clear') this.clear(subscription);
    else if (type === 'error' || (type === 'unsubscribed' && message.message)) {
      subscription.isRefused = true; // the next call of watch subscribes again
      if (type === 'unsubscribed') this.remove(camera);
      this.onRefused(camera, message.message);
    }
  }

  // clear removes every picture of a camera, also the part of one that has come. camd does not send the rest.
  clear({ players, stream }) {
    this.assembler.forget(stream);
    players.clear();
  }

  beginStream(subscription, message) {
    if (this.paused) return; // camd has sent it before it got the pause
    const { camera, stream: number, codec, init = '' } = message;
    const stream = { ...message, view: subscription.view, init: decodeBase64(init), problem: this.failures.problemOf(camera) };
    const kinds = playerKinds(codec, this.decodable).filter((kind) => !this.failures.has(stream, kind));
    const delay = () => (codec !== 'jpeg' ? ackDelay : this.subscriptions.size > 1 ? jpegAckDelay : 0);
    this.endStream(subscription);
    subscription.stream = number;
    this.streams.set(number, subscription.players);
    subscription.players.begin(stream, kinds, {
      onTaken: (seq) => this.acknowledgements.add(number, seq, delay()),
      onKindFailed: (kind, problem) => this.failures.add(stream, kind, problem),
      onKeyframeNeeded: () => this.send({ type: 'subscribe', camera, view: stream.view }), // camd begins another stream
      onFailed: () => this.send({ type: 'failed', stream: number }),
    });
    if (!kinds.length) this.send({ type: 'failed', stream: number });
  }
}
