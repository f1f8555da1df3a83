// The dashboard: one tile a camera, kept current from /api/v1/cameras, with pictures from the wall.
//
// The address says what is on it: ?kiosk without anything to press, ?cameras=a,b those alone, ?columns=3, and #front-door
// with that camera opened.

import { listCameras } from './api.js';
import { arrange } from './arrange_dialog.js';
import { applyTheme, choice, nextTheme, save, sorted } from './settings.js';
import { fit, shapeOf, vertical } from './grid.js';
import { furnish } from './icons.js';
import { listen } from './shortcuts.js';
import { introduce, may } from './user.js';
import { Stage } from './single_view.js';
import { group, headings } from './sites.js';
import { snapshot, toggle } from './camera_actions.js';
import { Tile } from './tile.js';
import { count, countdown, listenable, stateWord, toast } from './format.js';
import { Wall } from './wall.js';

const asked = new URLSearchParams(location.search);
const kiosk = asked.has('kiosk');
const only = asked.get('cameras')?.split(',').filter(Boolean);
const columns = Math.min(30, Math.max(0, Number.parseInt(asked.get('columns'), 10) || 0));

const wall = document.getElementById('wall');
const summary = document.getElementById('summary');
const tiles = new Map();
let cameras = []; // as camd has them
let shown = []; // on this screen, in this order
let refreshing;
let known = false; // who looks
let changes = 0; // made here: what was asked before one says nothing of it
let entered = false; // the stage was entered from the wall, and Back leads there

const stage = new Stage(() => leave());

// place is where a camera's pictures go: on the stage, or on its tile.
const place = (id) => (stage.camera?.id === id ? stage : tiles.get(id));

const pictures = new Wall({
  show: (id, bitmap, picture) => place(id)?.draw(bitmap, picture),
  refused: (id, why) => { if (place(id)) place(id).refusal = why; },
  trouble: (until) => {
    again = until;
    document.body.classList.toggle('lost', until !== null);
    if (until === null) refresh();
    else summary.textContent = 'camd does not answer';
    countDown();
  },
});

// again is when the next attempt to connect is made; null while there is a connection.
let again = null;
function countDown() {
  if (again === null) return;
  const text = countdown(again); // not in the summary: that is read out at each change
  summary.className = 'bad';
  for (const tile of tiles.values()) tile.lost(text);
  if (stage.camera) stage.lost(text);
}

function tick() {
  countDown();
  if (again !== null || document.hidden) return;
  for (const camera of shown) tiles.get(camera.id).tick();
  if (stage.camera) stage.tick();
}

// watch asks for what can be seen: the camera on the stage, or else the tiles that are not scrolled away.
function watch() {
  if (stage.camera) {
    pictures.watch([[stage.camera.id, 'main']]);
    return;
  }
  const preview = shown.length > 1;
  pictures.watch(shown.filter(({ id }) => tiles.get(id).visible)
    .map(({ id, renditions }) => [id, preview && renditions.some(({ name }) => name === 'preview') ? 'preview' : 'main']));
}

const scrolled = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    const tile = tiles.get(target.dataset.camera);
    if (!tile || tile.visible === isIntersecting) continue;
    tile.visible = isIntersecting;
    tile.screen.resume();
  }
  watch();
}, { root: wall, rootMargin: '100px' });

function layout() {
  const style = getComputedStyle(wall);
  const shape = shapeOf(shown);
  const groups = group(shown);
  const best = fit(groups.map(({ cameras: { length } }) => length), shape, {
    bar: kiosk ? 0 : 2 * Number.parseFloat(getComputedStyle(document.documentElement).fontSize),
    heading: wall.querySelector('.site')?.offsetHeight ?? 0,
    gap: Number.parseFloat(style.columnGap), width: wall.clientWidth, height: wall.clientHeight, columns,
  });
  wall.style.setProperty('--columns', best.columns);
  wall.style.setProperty('--width', `${best.width}px`);
  wall.style.setProperty('--shape', shape);
}

// arrangeTiles makes the tiles those that are to be shown, in their order.
function arrangeTiles() {
  shown = only ? only.map((id) => cameras.find((camera) => camera.id === id)).filter(Boolean)
    : sorted(cameras).filter(({ id }) => !choice.hidden.includes(id));
  const present = new Set(shown.map(({ id }) => id));
  for (const [id, tile] of tiles) {
    if (present.has(id)) continue;
    scrolled.unobserve(tile.element);
    tile.element.remove();
    tiles.delete(id);
  }
  for (const camera of shown) {
    const tile = tiles.get(camera.id);
    if (tile) tile.show(camera);
    else {
      tiles.set(camera.id, new Tile(camera));
      scrolled.observe(tiles.get(camera.id).element);
    }
  }
  headings(wall, shown).forEach((part, i) => {
    const element = part instanceof Element ? part : tiles.get(part.id).element;
    if (wall.children[i] !== element) wall.insertBefore(element, wall.children[i] ?? null);
  });
  explainNothing();
  layout();
  watch();
}

// explainNothing says why there are no tiles.
function explainNothing() {
  wall.querySelector('.notice')?.remove();
  if (shown.length) return;
  const notice = document.createElement('p');
  notice.className = 'notice';
  if (!cameras.length) notice.textContent = 'No camera is configured.';
  else notice.textContent = only ? `There is no camera ${only.join(', ')}.` : 'Every camera is hidden on this screen.';
  wall.append(notice);
}

function render(list) {
  announce(cameras, list);
  cameras = list;
  arrangeTiles();
  const live = cameras.filter(({ state }) => state === 'live').length;
  const text = cameras.length ? `${live} of ${count(cameras.length, 'camera')} live` : 'No camera is configured.';
  if (summary.textContent !== text) summary.textContent = text;
  summary.className = '';
  follow();
}

// announce tells those who listen rather than look.
function announce(before, now) {
  const states = new Map(before.map(({ id, state }) => [id, state]));
  const news = now.filter(({ id, state }) => states.has(id) && states.get(id) !== state)
    .map(({ title, site, remote, state, reason_text: reason }) => `${remote ? `${site}, ` : ''}${title}: ${stateWord(state)}${reason ? `, ${reason}` : ''}`);
  if (news.length) listenable('announce').textContent = news.join('. ');
}

async function refresh() {
  clearTimeout(refreshing);
  if (!document.hidden) {
    try {
      known ||= await introduce();
      const before = changes;
      const list = await listCameras();
      if (again !== null) pictures.hurry();
      else if (before === changes) render(list);
    } catch {
      summary.textContent = 'camd does not answer';
      summary.className = 'bad';
    }
  }
  clearTimeout(refreshing);
  refreshing = setTimeout(refresh, 2000);
}

// follow does what the address says: a camera on the stage, or none.
function follow() {
  const camera = cameras.find(({ id }) => `#${id}` === location.hash);
  if (!camera) {
    if (!stage.camera) return;
    const last = stage.camera.id;
    stage.close();
    entered = false;
    for (const tile of tiles.values()) tile.screen.resume();
    tiles.get(last)?.link.focus();
  } else if (stage.camera?.id === camera.id) {
    stage.show(camera);
    return;
  } else stage.open(camera, tiles.get(camera.id));
  watch();
}

function leave() {
  if (entered) {
    history.back();
    return;
  }
  history.replaceState(null, '', location.pathname + location.search);
  follow();
}

// open shows a camera: a step that Back undoes, but from one camera to the next.
function open(camera) {
  if (!camera) return;
  if (stage.camera) location.replace(`#${camera.id}`);
  else location.hash = camera.id;
}

// beside goes so many cameras on from the one on the stage.
function beside(step) {
  const i = shown.findIndex(({ id }) => id === stage.camera?.id);
  open(shown[(i + step + shown.length) % shown.length]);
}

function fullscreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else (stage.camera ? stage.theatre : document.documentElement).requestFullscreen?.().catch((error) => toast(error.message));
}

// current is the camera on the stage, or the one whose tile has the focus.
const current = () => stage.camera ?? tiles.get(document.activeElement?.closest('.tile')?.dataset.camera)?.camera;

const actions = {
  fullscreen,
  arrange: () => arrange(cameras, arrangeTiles),
  help: () => document.getElementById('help').showModal(),
  theme: () => toast(`Colours: ${nextTheme()}`),
  close: leave,
  previous: () => beside(-1),
  next: () => beside(1),
  zoomIn: () => stage.zoomIn(),
  zoomOut: () => stage.zoomOut(),
  unzoom: () => stage.zoom.reset(),
  snapshot: () => { if (current()) snapshot(current()); },
  pause: async () => {
    if (!stage.camera || stage.camera.remote || kiosk || !may('control')) return; // it is off for everybody: not by a key pressed in passing
    const changed = await toggle(stage.camera);
    changes++;
    cameras = cameras.map((other) => (other.id === changed.id ? { ...other, ...changed } : other));
    render(cameras);
  },
  details: () => { if (current()) location.href = `/cameras/${encodeURIComponent(current().id)}`; },
  digit: (n) => open(shown[n - 1]),
  // An arrow moves a zoomed picture, goes on to the next camera, or moves the focus among the tiles.
  arrow: (across, down, shift) => {
    if (stage.camera) {
      if (!shift || !stage.pan(across, down)) beside(across + down);
      return;
    }
    const from = shown.findIndex(({ id }) => id === current()?.id);
    let to = from < 0 ? 0 : from + across;
    if (from >= 0 && down) to = vertical(shown.map(({ id }) => tiles.get(id).element.getBoundingClientRect()), from, down);
    tiles.get(shown[to]?.id)?.link.focus();
  },
};

furnish(document);
applyTheme();
document.body.classList.toggle('kiosk', kiosk);
listen(actions, () => stage.camera !== null, kiosk);
const keys = document.querySelector('#help input');
keys.checked = choice.keys;
keys.addEventListener('change', () => save({ keys: keys.checked }));
for (const button of document.querySelectorAll('[data-do]')) button.addEventListener('click', () => actions[button.dataset.do]());
document.querySelector('#help .done').addEventListener('click', () => document.getElementById('help').close());
addEventListener('hashchange', () => {
  entered ||= stage.camera === null;
  follow();
});
new ResizeObserver(layout).observe(wall);

// A hidden page takes no pictures, and gets them at once when it is shown again.
document.addEventListener('visibilitychange', () => {
  pictures.pause(document.hidden);
  for (const tile of tiles.values()) tile.screen.resume();
  stage.screen.resume();
  if (!document.hidden) refresh();
});

if (kiosk) {
  // The pointer goes when nobody moves it, and the screen stays on where the browser allows that.
  let still;
  addEventListener('pointermove', () => {
    document.body.classList.remove('still');
    clearTimeout(still);
    still = setTimeout(() => document.body.classList.add('still'), 3000);
  });
  const stayOn = () => { if (!document.hidden) navigator.wakeLock?.request('screen').catch(() => {}); };
  document.addEventListener('visibilitychange', stayOn);
  stayOn();
}

setInterval(tick, 500);
refresh();
