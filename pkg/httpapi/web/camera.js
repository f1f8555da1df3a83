// The page of one camera: its picture, state and history, graphs, controls, addresses.

import { cameraPath, fetchJSON, listCameras, secondsSince, secondsUntil } from './api.js';
import { applyTheme, settings, sortCameras } from './settings.js';
import { loadControls } from './controls.js';
import { Graph } from './graph.js';
import { addIcons } from './icons.js';
import { CPULoad } from './cpu_load.js';
import { fillList } from './description_list.js';
import { hasRole, isAuthenticated, loadUser } from './user.js';
import { LiveView } from './live_view.js';
import { initShareDialog } from './share_dialog.js';
import { listAddresses, listSnippets } from './snippets.js';
import { saveSnapshot, togglePaused } from './camera_actions.js';
import { bytes, countdown, dateTime, disconnectedLabel, pictureProblem, seconds, sentence, shownState, stateLabel } from './format.js';
import { showPageProblem, showProblem, toast } from './messages.js';
import { decoderRows, streamRows } from './decoder_rows.js';
import { StreamDetails } from './stream_details.js';
import { streamNote } from './stream_texts.js';
import { trackRows } from './tracks.js';
import { WallClient } from './wall.js';
import { Zoom } from './zoom.js';

applyTheme(); // before the graph takes its colours

const id = decodeURIComponent(location.pathname.split('/')[2]);
const find = (selector) => document.querySelector(selector);
const view = document.getElementById('view');
const liveView = new LiveView(view.querySelector('.pictures'));
const zoom = new Zoom(view, liveView.element);
const graph = new Graph(document.getElementById('graph'), document.getElementById('graph-summary'));
const cpuLoad = new CPULoad();
let camera = null;
const streamDetails = new StreamDetails(document.getElementById('stream-details'), find('[data-action=streamDetails]'), liveView, () => camera);
let retryAt = null; // when the next attempt to connect is made

const wall = new WallClient({
  onRefused: (_, message) => { liveView.refusedReason = message; },
  onConnection: (at) => {
    retryAt = at;
    if (at === null) refresh();
    tick();
  },
});

const listCounts = (counts, none) => Object.entries(counts).map(([what, n]) => `${n} ${what.replaceAll('_', ' ')}`).join(', ') || none;

const readers = { V4L2: 'OpenCV, V4L2', FFMPEG: 'OpenCV, FFmpeg', HTTP: 'camd, HTTP', RTSP: 'camd, RTSP', PATTERN: 'camd, test pattern' };

function statusRows() {
  const { format, counts, worker } = camera;
  return [
    ['Site', camera.site],
    ['Source', camera.source],
    ['State', `${stateLabel(camera.state)} for ${seconds(secondsSince(Date.parse(camera.since)))}`],
    ['Next attempt', camera.retry && `in ${seconds(secondsUntil(Date.parse(camera.retry)))}`],
    ['Resolution', format.width ? `${format.width} × ${format.height}` : ''],
    ['Frame rate', camera.state === 'live' ? `${camera.fps.toFixed(1)} fps${format.fps ? ` (camera reports ${Number(format.fps.toFixed(2))})` : ''}` : ''],
    ['Codec', format.codec && `${format.codec}${format.passthrough ? ', passed through without decoding' : ', converted to JPEG'}`],
    ['Read by', readers[format.backend] ?? format.backend],
    ['Note', format.note],
    ...trackRows(camera),
    ...streamRows(camera),
    ...decoderRows(camera, (track) => cpuLoad.text(track)),
    ['Viewers', camera.viewers],
    ['Frames', camera.remote ? `${counts.published} received over the bus` : `${counts.captured} captured, ${counts.published} published`],
    ['Refused frames', camera.remote ? '' : listCounts(counts.refused, 'none')],
    ['Capture restarts', camera.remote ? '' : listCounts(counts.restarts, 'none')],
    ['CPU', cpuLoad.text('')],
    ['Memory', worker.rss_bytes ? bytes(worker.rss_bytes) : ''],
  ];
}

function showCamera() {
  document.title = `${camera.title} – camd`;
  find('#title').textContent = camera.title;
  liveView.turnOff(camera.paused);
  const { width, height } = camera.format;
  if (width) view.style.setProperty('--aspect-ratio', `${width} / ${height}`);
  const pauseButton = find('[data-action=pause]');
  pauseButton.hidden = camera.remote || !hasRole('control'); // only its own camd can turn it off
  document.getElementById('history').closest('section').hidden = camera.remote; // only its own camd keeps it
  pauseButton.setAttribute('aria-pressed', camera.paused);
  pauseButton.querySelector('span').textContent = camera.paused ? 'Turn on' : 'Turn off';
  fillList(find('#status'), statusRows());
  tick();
}

// tick updates what changes with time.
function tick() {
  if (!camera) return;
  const disconnected = retryAt !== null;
  const silentFor = document.hidden ? 0 : liveView.silentSeconds(camera);
  const track = liveView.picture?.track ?? 'main';
  const state = shownState(camera, track, silentFor);
  find('.top').dataset.state = disconnected ? 'offline' : state;
  const label = disconnected ? disconnectedLabel : stateLabel(state);
  if (find('.state').textContent !== label) find('.state').textContent = label; // screen readers announce each change
  const problem = disconnected ? countdown(retryAt) : pictureProblem(camera, track, liveView.refusedReason, silentFor);
  showPageProblem(problem, disconnected || silentFor > 0);
  showProblem(find('.note'), problem ? '' : streamNote(camera, liveView));
}

function listHistory(states) {
  document.getElementById('history').replaceChildren(...states.map((entry) => {
    const item = document.createElement('li');
    item.dataset.state = entry.state;
    const dot = document.createElement('span');
    dot.className = 'dot';
    const state = document.createElement('span');
    state.className = 'state';
    state.textContent = stateLabel(entry.state);
    const time = document.createElement('time');
    time.dateTime = entry.since;
    time.textContent = dateTime(new Date(entry.since));
    item.append(dot, state, time);
    const text = [entry.reason_text, entry.detail].filter(Boolean).join(': ');
    if (text) item.append(Object.assign(document.createElement('p'), { textContent: sentence(text) }));
    return item;
  }));
}

function listViewers(viewers) {
  const cell = (text) => Object.assign(document.createElement('td'), { textContent: text });
  const rows = viewers.map((viewer) => {
    const row = document.createElement('tr');
    row.append(cell(viewer.requester), cell(viewer.address), cell(viewer.user_agent), cell(viewer.transport), cell(viewer.rendition), cell(viewer.fps === null ? '' : viewer.fps.toFixed(1)),
      cell(viewer.frame_age === null ? '' : `${Math.round(1000 * viewer.frame_age)} ms`), cell(bytes(viewer.bytes)), cell(viewer.dropped));
    return row;
  });
  document.getElementById('viewers').replaceChildren(...rows);
  find('#viewers-title').textContent = `Viewers: ${viewers.length}`;
}

// trackURLs returns the addresses of a camera's tracks as one text. A camera gets tracks when it is opened.
const trackURLs = (of) => of?.tracks.map((track) => track.url).join(' ');

let userLoaded = false;
let states = '';
let refreshing;
async function refresh() {
  clearTimeout(refreshing);
  if (!document.hidden) {
    try {
      userLoaded ||= await loadUser();
      const [cameras, { viewers }, history] = await Promise.all([
        listCameras(), hasRole('admin') ? fetchJSON(`/api/v1/viewers?camera=${encodeURIComponent(id)}`) : { viewers: [] }, fetchJSON(`${cameraPath(id)}/history`)]);
      const now = cameras.find((other) => other.id === id);
      if (!now) throw new Error('this camera is no longer configured, or you no longer have access to it');
      showNeighbours(cameras);
      update(now, viewers, history);
    } catch (error) {
      if (retryAt === null) toast(sentence(error.message));
    }
  }
  clearTimeout(refreshing);
  refreshing = setTimeout(refresh, 2000);
}

function update(now, viewers, history) {
  const before = camera;
  camera = now;
  cpuLoad.add('', camera.worker);
  for (const decoder of camera.decoders) cpuLoad.add(decoder.track, decoder);
  if (trackURLs(before) !== trackURLs(camera)) listAddresses(document.getElementById('addresses'), camera);
  if (!before) {
    listSnippets(document.getElementById('snippets'), camera, isAuthenticated());
    document.getElementById('credentials').hidden = !isAuthenticated();
  }
  wall.watch([[id, 'full', liveView]]); // on each update, because camd may have refused it or the camera was removed for a while
  if (before?.state !== camera.state && hasRole('control')) loadControls(id);
  showCamera();
  listViewers(viewers);
  graph.show(history.samples);
  if (states !== JSON.stringify(history.states)) listHistory(history.states);
  states = JSON.stringify(history.states);
}

// showNeighbours sets the links to the cameras before and after this one in the order of the dashboard.
function showNeighbours(cameras) {
  const others = sortCameras(cameras).filter((one) => one.id === id || !settings.hidden.includes(one.id));
  const i = others.findIndex((one) => one.id === id);
  for (const [name, step] of [['previous', -1], ['next', 1]]) {
    const link = document.getElementById(name);
    const neighbour = others.at((i + step) % others.length);
    link.hidden = neighbour.id === id;
    link.href = `/cameras/${encodeURIComponent(neighbour.id)}`;
    link.title = `${neighbour.title} (${step < 0 ? '←' : '→'})`;
  }
}

const openShare = initShareDialog(document.getElementById('share'), () => camera);

const openNeighbour = (name) => {
  const link = document.getElementById(name);
  if (!link.hidden) location.assign(link.href);
};

const actions = {
  previous: () => openNeighbour('previous'),
  next: () => openNeighbour('next'),
  share: openShare,
  snapshot: () => saveSnapshot(camera),
  pause: async () => {
    if (camera.remote || !hasRole('control')) return;
    await togglePaused(camera, (changed) => {
      camera = { ...camera, ...changed };
      refresh();
    });
  },
  streamDetails: () => streamDetails.toggle(),
  zoomIn: () => zoom.scaleBy(1.5),
  zoomOut: () => zoom.scaleBy(1 / 1.5),
  unzoom: () => zoom.reset(),
  fullscreen: () => {
    if (document.fullscreenElement) document.exitFullscreen();
    else view.requestFullscreen?.().catch((error) => toast(error.message));
  },
};

addIcons(document);
for (const button of document.querySelectorAll('[data-action]')) {
  button.addEventListener('click', () => { if (camera) actions[button.dataset.action](); });
}
addEventListener('keydown', (event) => {
  const neighbour = { ArrowLeft: 'previous', ArrowRight: 'next' }[event.key];
  const action = neighbour ?? { s: 'snapshot', p: 'pause', i: 'streamDetails', f: 'fullscreen', '+': 'zoomIn', '=': 'zoomIn', '-': 'zoomOut', 0: 'unzoom' }[event.key];
  if (!action || !camera || !(settings.keys || neighbour) || event.ctrlKey || event.altKey || event.metaKey || event.target.closest('input, select, textarea, dialog, .scroll')) return;
  // These keys also extend a selection and scroll.
  if (neighbour && (event.shiftKey || document.fullscreenElement || !getSelection().isCollapsed)) return;
  event.preventDefault();
  actions[action]();
});
document.addEventListener('visibilitychange', () => {
  wall.pause(document.hidden);
  liveView.restartTimeout();
  if (!document.hidden) refresh();
});
setInterval(tick, 500);
refresh();
