// The page about one camera: its picture, state and history, graphs, controls, addresses.

import { age, ask, cameraPath, listCameras, until } from './api.js';
import { applyTheme, choice } from './settings.js';
import { loadControls } from './controls.js';
import { Graph } from './graph.js';
import { furnish } from './icons.js';
import { introduce, may, named } from './user.js';
import { Screen } from './live_canvas.js';
import { offerLinks } from './share_dialog.js';
import { listAddresses, listSnippets } from './snippets.js';
import { snapshot, toggle } from './camera_actions.js';
import { bytes, count, countdown, explain, seconds, stateWord, toast, why } from './format.js';
import { Wall } from './wall.js';
import { Zoom } from './zoom.js';

const id = decodeURIComponent(location.pathname.split('/')[2]);
const part = (selector) => document.querySelector(selector);
const view = document.getElementById('view');
const screen = new Screen(view.querySelector('canvas'));
const zoom = new Zoom(view, screen.canvas);
const graph = new Graph(document.getElementById('graph'), document.getElementById('graph-words'));
let camera = null;
let again = null; // when the next attempt to connect is made

let refusal = ''; // why pictures are not to be had

const pictures = new Wall({
  show: (_, bitmap, picture) => {
    screen.draw(bitmap, picture);
    refusal = '';
  },
  refused: (_, message) => { refusal = message; },
  trouble: (at) => {
    again = at;
    if (at === null) refresh();
    tick();
  },
});

// fill makes a list of terms and what stands for them.
function fill(element, facts) {
  element.replaceChildren(...facts.filter(([, text]) => text || text === 0).flatMap(([term, text]) => {
    const dt = document.createElement('dt');
    const dd = document.createElement('dd');
    dt.textContent = term;
    dd.textContent = text;
    return [dt, dd];
  }));
}

const total = (counts, word) => Object.entries(counts).map(([what, n]) => `${n} ${what.replaceAll('_', ' ')}`).join(', ') || word;

function facts() {
  const { format, counts, worker } = camera;
  return [
    ['Site', camera.site],
    ['Source', camera.source],
    ['State', `${stateWord(camera.state)} for ${seconds(age(Date.parse(camera.since)))}`],
    ['Next attempt', camera.retry && `in ${seconds(until(Date.parse(camera.retry)))}`],
    ['Picture', format.width ? `${format.width} × ${format.height}` : ''],
    ['Rate', camera.state === 'live' ? `${camera.fps.toFixed(1)} fps${format.fps ? ` (says ${Number(format.fps.toFixed(2))})` : ''}` : ''],
    ['Arrives as', format.codec && `${format.codec}${format.passthrough ? ', passed through' : ', encoded once'}`],
    ['Read by', format.backend],
    ['Note', format.note],
    ['Viewers', camera.viewers],
    ['Pictures', camera.remote ? `${counts.published} came over the bus` : `${counts.captured} read, ${counts.published} published`],
    ['Refused', camera.remote ? '' : total(counts.refused, 'none')],
    ['Restarts', camera.remote ? '' : total(counts.restarts, 'none')],
    ['Processor', worker.cpu_seconds ? `${seconds(worker.cpu_seconds)} so far` : ''],
    ['Memory', worker.rss_bytes ? bytes(worker.rss_bytes) : ''],
  ];
}

function show() {
  document.title = `${camera.title} – camd`;
  part('#title').textContent = camera.title;
  if (camera.paused) screen.hide();
  const power = part('[data-do=pause]');
  power.hidden = camera.remote || !may('control'); // whoever is there decides
  document.getElementById('history').closest('section').hidden = camera.remote; // its own camd knows
  power.setAttribute('aria-pressed', camera.paused);
  power.querySelector('span').textContent = camera.paused ? 'Switch on' : 'Switch off';
  fill(part('#facts'), facts());
  tick();
}

// tick says what changes by itself.
function tick() {
  if (!camera) return;
  const lost = again !== null;
  const silent = document.hidden ? 0 : screen.silent(camera);
  document.body.toggleAttribute('data-stale', lost || silent > 0);
  const state = silent && camera.state === 'live' ? 'stalled' : camera.state;
  part('.top').dataset.state = lost ? 'offline' : state;
  const word = lost ? 'not connected' : stateWord(state);
  if (part('.state').textContent !== word) part('.state').textContent = word; // it is read out
  explain(part('.why'), lost ? countdown(again) : why(camera) || refusal || (silent ? `no picture has come for ${seconds(silent)}` : ''));
}

function listHistory(states) {
  document.getElementById('history').replaceChildren(...states.map((entry) => {
    const item = document.createElement('li');
    item.dataset.state = entry.state;
    const dot = document.createElement('span');
    dot.className = 'dot';
    const state = document.createElement('span');
    state.className = 'state';
    state.textContent = stateWord(entry.state);
    const time = document.createElement('time');
    time.dateTime = entry.since;
    time.textContent = new Date(entry.since).toLocaleString();
    item.append(dot, state, time);
    const text = [entry.reason_text, entry.detail].filter(Boolean).join(': ');
    if (text) item.append(Object.assign(document.createElement('p'), { textContent: text }));
    return item;
  }));
}

function listViewers(viewers) {
  const cell = (text) => Object.assign(document.createElement('td'), { textContent: text });
  const rows = viewers.map((viewer) => {
    const row = document.createElement('tr');
    row.append(cell(viewer.who), cell(viewer.address), cell(viewer.user_agent), cell(viewer.transport), cell(viewer.rendition), cell(viewer.fps === null ? '' : viewer.fps.toFixed(1)),
      cell(viewer.frame_age === null ? '' : `${Math.round(1000 * viewer.frame_age)} ms`), cell(bytes(viewer.bytes)), cell(viewer.dropped));
    return row;
  });
  document.getElementById('viewers').replaceChildren(...rows);
  part('#viewers-title').textContent = `Who watches: ${count(viewers.length, 'viewer')}`;
}

let known = false; // who looks
let states = '';
let refreshing;
async function refresh() {
  clearTimeout(refreshing);
  if (!document.hidden) {
    try {
      known ||= await introduce();
      const [cameras, { viewers }, history] = await Promise.all([
        listCameras(), may('admin') ? ask(`/api/v1/viewers?camera=${encodeURIComponent(id)}`) : { viewers: [] }, ask(`${cameraPath(id)}/history`)]);
      const now = cameras.find((other) => other.id === id);
      if (!now) throw new Error('this camera is not configured any more');
      update(now, viewers, history);
    } catch (error) {
      if (again === null) toast(error.message);
    }
  }
  clearTimeout(refreshing);
  refreshing = setTimeout(refresh, 2000);
}

function update(now, viewers, history) {
  const before = camera;
  camera = now;
  if (!before) {
    listAddresses(document.getElementById('addresses'), camera);
    listSnippets(document.getElementById('snippets'), camera, named());
    document.getElementById('credentials').hidden = !named();
  }
  pictures.watch([[id, 'main']]); // again each time: it may have been refused, or gone for a while
  if (before?.state !== camera.state && may('control')) loadControls(id);
  show();
  listViewers(viewers);
  graph.show(history.samples);
  if (states !== JSON.stringify(history.states)) listHistory(history.states);
  states = JSON.stringify(history.states);
}

const openShare = offerLinks(document.getElementById('share'), () => camera);

const actions = {
  share: openShare,
  snapshot: () => snapshot(camera),
  pause: async () => {
    if (camera.remote || !may('control')) return;
    camera = { ...camera, ...await toggle(camera) };
    refresh();
  },
  zoomIn: () => zoom.by(1.5),
  zoomOut: () => zoom.by(1 / 1.5),
  unzoom: () => zoom.reset(),
  fullscreen: () => {
    if (document.fullscreenElement) document.exitFullscreen();
    else view.requestFullscreen?.().catch((error) => toast(error.message));
  },
};

furnish(document);
applyTheme();
for (const button of document.querySelectorAll('[data-do]')) {
  button.addEventListener('click', () => { if (camera) actions[button.dataset.do](); });
}
addEventListener('keydown', (event) => {
  const action = { s: 'snapshot', p: 'pause', f: 'fullscreen', '+': 'zoomIn', '=': 'zoomIn', '-': 'zoomOut', 0: 'unzoom' }[event.key];
  if (!action || !camera || !choice.keys || event.ctrlKey || event.altKey || event.metaKey || event.target.closest('input, select, textarea, dialog')) return;
  event.preventDefault();
  actions[action]();
});
document.addEventListener('visibilitychange', () => {
  pictures.pause(document.hidden);
  screen.resume();
  if (!document.hidden) refresh();
});
setInterval(tick, 500);
refresh();
