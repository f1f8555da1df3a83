// The player of one stream of the wall. It tries one kind of player after the other, until one works.

import { JPEGPlayer } from './jpeg_player.js';
import { MSEPlayer } from './mse_player.js';
import { WebCodecsPlayer } from './webcodecs_player.js';

const players = { webcodecs: WebCodecsPlayer, mse: MSEPlayer, jpeg: JPEGPlayer };
const provenTime = 10000; // ms for which a player has shown pictures, after which a failure counts as damage in the video
const startTimeout = 30000; // ms in which a player takes its first frame, well within the time that camd waits for an acknowledgement

export class StreamPlayer {
  // kinds are the kinds of players that may play the stream, the best one first. events has five functions. onTaken is called with the
  // number of a frame that needs no more work, and onPicture with {seq, taken, placeholder} when a picture is on the screen. onKindFailed
  // is called with a kind of player that cannot play the stream, and why. After a failure, onFailed is called if no kind is left, and otherwise
  // onKeyframeNeeded: the next player can begin only with a keyframe.
  constructor(stream, display, kinds, events) {
    this.stream = stream;
    this.display = display;
    this.kinds = [...kinds];
    this.events = events;
    this.player = null; // made for the first keyframe
    this.problem = stream.problem; // why the last player of the camera failed, for people
    this.hasEnded = false; // no more frames follow
    this.newest = null; // the number of the newest frame that the player has got
  }

  // details tells people about the player that is used: {player, decoder, problem}.
  get details() { return { player: '', decoder: '', ...this.player?.details, problem: this.problem }; }

  // write plays a frame. The first one of a player is a keyframe.
  write(frame) {
    const isKey = frame.key || this.stream.codec === 'jpeg';
    if (!this.player && isKey && this.kinds.length) this.begin();
    if (!this.player) {
      this.take(frame.seq);
      return;
    }
    this.newest = frame.seq;
    const { player } = this;
    this.guard(player, () => player.write(frame));
  }

  // restart ends the player. Another one plays the stream from its next keyframe on.
  restart() {
    this.close();
    if (this.newest !== null) this.take(this.newest); // nothing that the player holds is shown any more
  }

  // end says that no more frames follow. The player only keeps its picture, so it does not matter if it fails.
  end() {
    this.hasEnded = true;
    clearTimeout(this.startTimer);
  }

  close() {
    const { player } = this;
    this.player = null;
    clearTimeout(this.startTimer);
    player?.close();
  }

  take(seq) {
    if (!this.hasEnded) this.events.onTaken(seq);
  }

  begin() {
    const kind = this.kinds[0];
    let shownSince = null;
    let player = { close() {} }; // until the constructor returns
    const ifUsed = (call) => (value) => { if (this.player === player) call(value); };
    this.player = player;
    if (kind !== 'jpeg') this.startTimer = setTimeout(() => this.fail('the player does not start', false), startTimeout);
    this.guard(player, () => {
      const made = new players[kind](this.stream, this.display, {
        onTaken: ifUsed((seq) => {
          clearTimeout(this.startTimer);
          this.take(seq);
        }),
        onPicture: ifUsed((picture) => {
          shownSince ??= performance.now();
          this.events.onPicture(picture);
        }),
        onFailed: ifUsed((message) => this.fail(message, shownSince !== null && performance.now() - shownSince > provenTime)),
      });
      if (this.player === player) player = this.player = made;
      else made.close(); // it has failed already
    });
  }

  // guard calls a function of a player. An exception means that the player has failed.
  guard(player, call) {
    try {
      call();
    } catch (error) {
      if (this.player === player) this.fail(error.message, false);
    }
  }

  fail(message, isProven) {
    if (this.hasEnded) return;
    this.problem = message;
    this.restart();
    if (!isProven) this.events.onKindFailed(this.kinds.shift(), message);
    if (this.kinds.length) this.events.onKeyframeNeeded();
    else this.events.onFailed();
  }
}
