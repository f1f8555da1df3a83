// The dashboard: a grid with one tile per camera. States come from /api/v1/cameras, video and pictures from the wall.
//
// Parameters in the address: ?kiosk hides all buttons, ?cameras=a,b selects cameras, ?columns=3 sets the columns, and
// #front-door opens that camera.

import { listCameras } from './api.js';
import { openArrangeDialog } from './arrange_dialog.js';
import { applyTheme, nextTheme, saveSettings, settings, sortCameras } from './settings.js';
import { commonAspectRatio, fillWidth, fitTiles, indexBelow, isPhone } from './grid.js';
import { addIcons } from './icons.js';
import { startKiosk } from './kiosk.js';
import { listenForShortcuts } from './shortcuts.js';
import { hasRole, loadUser } from './user.js';
import { SingleView } from './single_view.js';
import { groupBySite, withHeadings } from './sites.js';
import { saveSnapshot, togglePaused } from './camera_actions.js';
import { Tile } from './tile.js';
import { count, countdown, stateLabel } from './format.js';
import { moveIntoDialog, toast } from './messages.js';
import { WallClient } from './wall.js';

const query = new URLSearchParams(location.search);
const kiosk = query.has('kiosk');
const only = query.get('cameras')?.split(',').filter(Boolean);
const columns = Math.min(30, Math.max(0, Number.parseInt(query.get('columns'), 10) || 0));

const grid = document.getElementById('grid');
const summary = document.getElementById('summary');
const tiles = new Map();
let cameras = []; // as camd lists them
let shown = []; // the cameras in the grid, in order
let refreshing;
let userLoaded = false;
let changeCount = 0; // changes made on this page; a response to an older request is ignored
let openedFromGrid = false; // the Back button leads to the grid

const singleView = new SingleView(() => closeCamera());

// viewOf returns where a camera's pictures go: the single view, or its tile.
const viewOf = (id) => (singleView.camera?.id === id ? singleView : tiles.get(id))?.liveView;

const wall = new WallClient({
  onRefused: (id, reason) => { if (viewOf(id)) viewOf(id).refusedReason = reason; },
  onConnection: (at) => {
    retryAt = at;
    document.body.classList.toggle('disconnected', at !== null);
    if (at === null) refresh();
    else summary.textContent = 'camd does not answer';
    showCountdown();
  },
});

// retryAt is when the next attempt to connect is made; null while there is a connection.
let retryAt = null;
function showCountdown() {
  if (retryAt === null) return;
  const text = countdown(retryAt); // not in the summary, which screen readers announce at each change
  summary.className = 'error';
  for (const tile of tiles.values()) tile.showDisconnected(text);
  if (singleView.camera) singleView.showDisconnected(text);
}

function tick() {
  showCountdown();
  if (retryAt !== null || document.hidden) return;
  for (const camera of shown) tiles.get(camera.id).tick();
  if (singleView.camera) singleView.tick();
}

// watch subscribes to the visible cameras: the one in the single view, or the tiles that are not scrolled out of view.
function watch() {
  if (singleView.camera) {
    wall.watch([[singleView.camera.id, 'full', singleView.liveView]]);
    return;
  }
  const view = shown.length > 1 ? 'grid' : 'full';
  wall.watch(shown.map(({ id }) => tiles.get(id)).filter(({ visible }) => visible).map(({ id, liveView }) => [id, view, liveView]));
}

const visibility = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    const tile = tiles.get(target.dataset.camera);
    if (!tile || tile.visible === isIntersecting) continue;
    tile.visible = isIntersecting;
    tile.liveView.restartTimeout();
  }
  watch();
}, { root: grid, rootMargin: '100px' });

function layout() {
  const style = getComputedStyle(grid);
  const aspectRatio = commonAspectRatio(shown);
  const groups = groupBySite(shown);
  const { clientWidth: width, clientHeight: height } = grid;
  const chosen = columns || kiosk ? 0 : settings.columns; // the address overrides the setting
  const scrolls = !kiosk && !columns && (chosen > 0 || isPhone(width) || height > width); // a kiosk shows all tiles: nobody scrolls there
  const best = (scrolls ? fillWidth : fitTiles)(groups.map(({ cameras: { length } }) => length), aspectRatio, {
    bar: kiosk ? 0 : 2 * Number.parseFloat(getComputedStyle(document.documentElement).fontSize),
    heading: grid.querySelector('.site')?.offsetHeight ?? 0,
    gap: Number.parseFloat(style.columnGap), width, height, columns: columns || chosen,
  });
  grid.classList.toggle('scrolls', scrolls);
  grid.style.setProperty('--columns', best.columns);
  grid.style.setProperty('--width', `${best.width}px`);
  grid.style.setProperty('--aspect-ratio', aspectRatio);
}

// arrangeTiles adds, removes and sorts tiles.
function arrangeTiles() {
  shown = only ? only.map((id) => cameras.find((camera) => camera.id === id)).filter(Boolean)
    : sortCameras(cameras).filter(({ id }) => !settings.hidden.includes(id));
  const present = new Set(shown.map(({ id }) => id));
  for (const [id, tile] of tiles) {
    if (present.has(id)) continue;
    visibility.unobserve(tile.element);
    tile.element.remove();
    tiles.delete(id);
  }
  for (const camera of shown) {
    const tile = tiles.get(camera.id);
    if (tile) tile.show(camera);
    else {
      tiles.set(camera.id, new Tile(camera));
      visibility.observe(tiles.get(camera.id).element);
    }
  }
  withHeadings(grid, shown).forEach((part, i) => {
    const element = part instanceof Element ? part : tiles.get(part.id).element;
    if (grid.children[i] !== element) grid.insertBefore(element, grid.children[i] ?? null);
  });
  showEmptyNotice();
  layout();
  watch();
}

// showEmptyNotice shows why there are no tiles.
function showEmptyNotice() {
  grid.querySelector('.notice')?.remove();
  if (shown.length) return;
  const notice = document.createElement('p');
  notice.className = 'notice';
  if (!cameras.length) notice.textContent = 'No camera is configured.';
  else notice.textContent = only ? `Not found: ${only.join(', ')}.` : 'All cameras are hidden on this screen. Show them with “Arrange cameras”.';
  grid.append(notice);
}

function render(list) {
  announce(cameras, list);
  cameras = list;
  arrangeTiles();
  const live = cameras.filter(({ state }) => state === 'live').length;
  const text = cameras.length ? `${live} of ${count(cameras.length, 'camera')} live` : 'No camera is configured.';
  if (summary.textContent !== text) summary.textContent = text;
  summary.className = '';
  applyAddress();
}

// announce reports changes of state to screen readers.
function announce(before, now) {
  const states = new Map(before.map(({ id, state }) => [id, state]));
  const changed = now.filter(({ id, state }) => states.has(id) && states.get(id) !== state)
    .map(({ title, site, remote, state, reason_text: reason }) => `${remote ? `${site}, ` : ''}${title}: ${stateLabel(state)}${reason ? `, ${reason}` : ''}`);
  if (changed.length) moveIntoDialog('announce').textContent = changed.join('. ');
}

// withOtherViewers adds to each camera its number of viewers without this page.
const withOtherViewers = (list) => list.map((camera) => ({ ...camera, otherViewers: Math.max(0, camera.viewers - (wall.isWatching(camera.id) ? 1 : 0)) }));

async function refresh() {
  clearTimeout(refreshing);
  if (!document.hidden) {
    try {
      userLoaded ||= await loadUser();
      const before = changeCount;
      const list = withOtherViewers(await listCameras());
      if (retryAt !== null) wall.retryNow();
      else if (before === changeCount) render(list);
    } catch {
      summary.textContent = 'camd does not answer';
      summary.className = 'error';
    }
  }
  clearTimeout(refreshing);
  refreshing = setTimeout(refresh, 2000);
}

// applyAddress opens the camera that the address names, or closes the single view.
function applyAddress() {
  const camera = cameras.find(({ id }) => `#${id}` === location.hash);
  if (!camera) {
    if (!singleView.camera) return;
    const last = singleView.camera.id;
    tiles.get(last)?.liveView.copyFrom(singleView.liveView);
    singleView.close();
    openedFromGrid = false;
    for (const tile of tiles.values()) tile.liveView.restartTimeout();
    tiles.get(last)?.link.focus();
  } else if (singleView.camera?.id === camera.id) {
    singleView.show(camera);
    return;
  } else singleView.open(camera, tiles.get(camera.id));
  watch();
}

function closeCamera() {
  if (openedFromGrid) {
    history.back();
    return;
  }
  history.replaceState(null, '', location.pathname + location.search);
  applyAddress();
}

// openCamera opens a camera. The Back button leads to the grid, not to the previous camera.
function openCamera(camera) {
  if (!camera) return;
  if (singleView.camera) location.replace(`#${camera.id}`);
  else location.hash = camera.id;
}

// openNeighbour opens the camera that is step places after the one in the single view.
function openNeighbour(step) {
  const i = shown.findIndex(({ id }) => id === singleView.camera?.id);
  openCamera(shown[(i + step + shown.length) % shown.length]);
}

// nextColumns switches to the next number of columns; 0 lets the screen decide.
function nextColumns() {
  const choices = isPhone(grid.clientWidth) ? [0, 2, 3] : [0, 1, 2, 3, 4, 5, 6];
  const next = choices[(choices.indexOf(settings.columns) + 1) % choices.length];
  saveSettings({ columns: next });
  layout();
  toast(`Columns: ${next || 'automatic'}`);
}

function fullscreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else (singleView.camera ? singleView.content : document.documentElement).requestFullscreen?.().catch((error) => toast(error.message));
}

// current returns the camera in the single view, or the one whose tile has the focus.
const current = () => singleView.camera ?? tiles.get(document.activeElement?.closest('.tile')?.dataset.camera)?.camera;

const actions = {
  fullscreen,
  columns: nextColumns,
  arrange: () => openArrangeDialog(cameras, arrangeTiles),
  help: () => document.getElementById('help').showModal(),
  theme: () => toast(`Theme: ${nextTheme()}`),
  close: closeCamera,
  previous: () => openNeighbour(-1),
  next: () => openNeighbour(1),
  zoomIn: () => singleView.zoomIn(),
  zoomOut: () => singleView.zoomOut(),
  unzoom: () => singleView.zoom.reset(),
  snapshot: () => { if (current()) saveSnapshot(current()); },
  pause: async () => {
    if (!singleView.camera || singleView.camera.remote || kiosk || !hasRole('control')) return; // the key must not turn off a camera by accident
    await togglePaused(singleView.camera, (changed) => {
      changeCount++;
      render(cameras.map((other) => (other.id === changed.id ? { ...other, ...changed } : other)));
    });
  },
  streamDetails: () => { if (singleView.camera) singleView.details.toggle(); },
  details: () => { if (current()) location.href = `/cameras/${encodeURIComponent(current().id)}`; },
  digit: (n) => openCamera(shown[n - 1]),
  // An arrow opens the next camera, moves the focus among the tiles, or moves a zoomed picture.
  arrow: (across, down, shift) => {
    if (singleView.camera) {
      if (!shift || !singleView.pan(across, down)) openNeighbour(across + down);
      return;
    }
    const from = shown.findIndex(({ id }) => id === current()?.id);
    let to = from < 0 ? 0 : from + across;
    if (from >= 0 && down) to = indexBelow(shown.map(({ id }) => tiles.get(id).element.getBoundingClientRect()), from, down);
    tiles.get(shown[to]?.id)?.link.focus();
  },
};

addIcons(document);
document.querySelector('[data-action=columns]').hidden = columns > 0; // the address sets them
applyTheme();
if (kiosk) startKiosk();
listenForShortcuts(actions, () => singleView.camera !== null, kiosk);
const shortcutsBox = document.querySelector('#help input');
shortcutsBox.checked = settings.keys;
shortcutsBox.addEventListener('change', () => saveSettings({ keys: shortcutsBox.checked }));
for (const button of document.querySelectorAll('[data-action]')) button.addEventListener('click', () => actions[button.dataset.action]());
document.querySelector('#help .done').addEventListener('click', () => document.getElementById('help').close());
addEventListener('hashchange', () => {
  openedFromGrid ||= singleView.camera === null;
  applyAddress();
});
new ResizeObserver(layout).observe(grid);

// A hidden page gets no pictures. They come at once when it is shown again.
document.addEventListener('visibilitychange', () => {
  wall.pause(document.hidden);
  for (const tile of tiles.values()) tile.liveView.restartTimeout();
  singleView.liveView.restartTimeout();
  if (!document.hidden) refresh();
});

setInterval(tick, 500);
refresh();
