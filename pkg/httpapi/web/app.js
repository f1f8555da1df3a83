// The dashboard: one tile a camera, kept current from /api/v1/cameras, with pictures from the wall.

import { Wall } from './wall.js';

const wall = document.getElementById('wall');
const summary = document.getElementById('summary');
const template = document.getElementById('tile');
const tiles = new Map();

const refreshAfter = 2000;

const words = {
  idle: 'asleep', starting: 'starting', live: 'live', stalled: 'no new picture', offline: 'offline', paused: 'off',
};

function newTile(camera) {
  const element = template.content.firstElementChild.cloneNode(true);
  const part = (selector) => element.querySelector(selector);
  const tile = { element, part, canvas: part('canvas'), url: camera.urls };
  part('h2').textContent = camera.title;
  part('.picture').href = camera.urls.stream;
  part('.picture').title = 'Open the stream of ' + camera.title;
  part('.snapshot').href = camera.urls.snapshot;
  part('.snapshot').setAttribute('aria-label', 'Snapshot of ' + camera.title);
  tile.canvas.setAttribute('aria-label', 'Live picture of ' + camera.title);
  wall.append(element);
  return tile;
}

// pictures shows a camera's newest picture at its own size; the style fits it into the tile.
const pictures = new Wall((id, bitmap) => {
  const canvas = tiles.get(id)?.canvas;
  if (!canvas) return;
  if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
    canvas.width = bitmap.width;
    canvas.height = bitmap.height;
  }
  canvas.getContext('2d').drawImage(bitmap, 0, 0);
  canvas.dataset.shown = 'yes';
}, (until) => {
  again = until;
  document.body.classList.toggle('lost', until !== null);
  countDown();
});

// again is when the next attempt to connect is made; null while there is a connection.
let again = null;
function countDown() {
  if (again === null) return;
  const seconds = Math.max(0, Math.ceil((again - Date.now()) / 1000));
  summary.textContent = `camd does not answer; trying again ${seconds ? `in ${seconds} s` : 'now'}…`;
  summary.className = 'bad';
  for (const tile of tiles.values()) {
    tile.element.dataset.state = 'offline';
    tile.part('.state').textContent = 'not connected';
  }
}
setInterval(countDown, 500);

function show(tile, camera) {
  tile.element.dataset.state = camera.state;
  tile.part('.state').textContent = words[camera.state] ?? camera.state;
  const { width, height } = camera.format;
  if (width && height) tile.element.style.setProperty('--shape', `${width} / ${height}`);
  const figures = [];
  if (width) figures.push(`${width}×${height}`);
  if (camera.state === 'live') figures.push(`${camera.fps.toFixed(1)} fps`);
  if (camera.viewers) figures.push(camera.viewers === 1 ? '1 viewer' : `${camera.viewers} viewers`);
  tile.part('.figures').textContent = figures.join(' · ');
  const why = tile.part('.why');
  const reason = [camera.reason_text, camera.detail].filter(Boolean).join(': ');
  why.textContent = reason && `${reason}, since ${new Date(camera.since).toLocaleString()}`;
  why.hidden = !reason;
}

function render(cameras) {
  const present = new Set(cameras.map((camera) => camera.id));
  for (const [id, tile] of tiles) {
    if (present.has(id)) continue;
    tile.element.remove();
    tiles.delete(id);
  }
  for (const camera of cameras) {
    if (!tiles.has(camera.id)) tiles.set(camera.id, newTile(camera));
    show(tiles.get(camera.id), camera);
  }
  pictures.watch(cameras.map((camera) => [camera.id, cameras.length > 1 ? 'preview' : 'main']));
  wall.style.setProperty('--tile', cameras.length > 9 ? '16rem' : cameras.length > 1 ? '24rem' : '100%');
  const live = cameras.filter((camera) => camera.state === 'live').length;
  summary.textContent = cameras.length ? `${live} of ${cameras.length} cameras live` : 'No camera is configured.';
  summary.className = '';
}

async function refresh() {
  if (!document.hidden) {
    try {
      const answer = await fetch('/api/v1/cameras', { cache: 'no-store', signal: AbortSignal.timeout(5000) });
      if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
      const state = await answer.json();
      if (again === null) render(state.cameras);
    } catch {
      summary.textContent = 'camd does not answer; trying again…';
      summary.className = 'bad';
      for (const tile of tiles.values()) tile.element.dataset.state = 'offline';
    }
  }
  setTimeout(refresh, refreshAfter);
}

// A hidden page takes no pictures, and gets them at once when it is shown again.
document.addEventListener('visibilitychange', () => pictures.pause(document.hidden));

refresh();
