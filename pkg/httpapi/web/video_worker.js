// The worker of a page that decodes all its streams, and draws their pictures on canvases that the page has transferred
// (video_worker_client.js). Messages from the page:
// - {type: 'open', player, codec, description, isSmall, canvas, offscreen}: offscreen is the OffscreenCanvas if the worker does not have it yet.
//   Without a canvas, the page draws
// - {type: 'frame', player, frame: {seq, key, taken, placeholder, catchUp, pts, data}}
// - {type: 'close', player, blank}: blank removes the player's picture, too
// - {type: 'forget', canvas}
//
// Messages to the page are lists of reports: {player} and what has happened since the last one: ready (the kind of decoder), taken (a
// number of a frame), pictures (number of decoded pictures), drawn {seq, taken, placeholder} (the newest drawn one), failed (a message).
// A picture for the page to draw comes at once, as a report with picture (a VideoFrame) and drawn.

import { PictureDrawing } from './picture_drawing.js';
import { StreamDecoder } from './stream_decoder.js';

const reportDelay = 10; // ms for which reports are collected, because each message interrupts the page

const drawing = new PictureDrawing();
const players = new Map(); // number to {canvas, decoder, drawn, isVisible}; drawn is the newest picture, and isVisible whether the page shows it
const reports = new Map(); // number of the player to its report
let reportTimer = null;

function report(player, changes) {
  const pictures = (reports.get(player)?.pictures ?? 0) + (changes.pictures ?? 0);
  reports.set(player, { player, ...reports.get(player), ...changes, pictures });
  reportTimer ??= setTimeout(sendReports, reportDelay);
}

function sendReports() {
  clearTimeout(reportTimer);
  reportTimer = null;
  postMessage([...reports.values()]);
  reports.clear();
}

function open({ player, canvas, offscreen, ...stream }) {
  if (offscreen) drawing.add(canvas, offscreen);
  const events = {
    onReady: (ready) => report(player, { ready }),
    onTaken: (taken) => report(player, { taken }),
    onPicture: (picture, frame) => showPicture(player, picture, frame),
    onFailed: (failed) => report(player, { failed }),
  };
  players.set(player, { canvas, decoder: new StreamDecoder(stream, events), drawn: null, isVisible: false });
}

// showPicture draws a picture, unless there are newer ones already.
function showPicture(number, picture, { seq, taken, placeholder, catchUp }) {
  report(number, { pictures: 1 });
  if (catchUp) {
    picture.close();
    return;
  }
  const player = players.get(number);
  if (!player.canvas) {
    postMessage([{ player: number, picture, drawn: { seq, taken, placeholder } }], [picture]);
    return;
  }
  drawing.draw(player.canvas, number, picture, () => {
    const isFirst = !player.drawn;
    player.drawn = { seq, taken, placeholder };
    if (player.isVisible) report(number, { drawn: player.drawn });
    else if (isFirst) reportFirst(number, player);
  });
}

// reportFirst reports the first picture of a player when the canvas in the page has it, which is after the next animation frame. The page
// shows the canvas when it gets this report.
function reportFirst(number, player) {
  requestAnimationFrame(() => requestAnimationFrame(() => {
    if (players.get(number) !== player) return;
    player.isVisible = true;
    report(number, { drawn: player.drawn });
    sendReports();
  }));
}

function close({ player, blank }) {
  drawing.forget(player);
  players.get(player).decoder.close();
  if (blank) drawing.blank(players.get(player).canvas, player);
  players.delete(player);
  reports.delete(player);
}

addEventListener('message', ({ data }) => {
  if (data.type === 'open') open(data);
  if (data.type === 'frame') players.get(data.player)?.decoder.write(data.frame);
  if (data.type === 'close') close(data);
  if (data.type === 'forget') drawing.remove(data.canvas);
});
