// The dashboard: one tile a camera, kept current from /api/v1/cameras.

const wall = document.getElementById('wall');
const summary = document.getElementById('summary');
const template = document.getElementById('tile');
const tiles = new Map();

// A browser has six connections to a host on HTTP/1.1, and every stream keeps one. Beyond these many cameras, pictures
// are fetched one after the other instead.
const streamsAtMost = 4;
const pollEvery = 1000;
const refreshAfter = 2000;

const words = {
  idle: 'asleep', starting: 'starting', live: 'live', stalled: 'no new picture', offline: 'offline', paused: 'off',
};

function newTile(camera) {
  const element = template.content.firstElementChild.cloneNode(true);
  const part = (selector) => element.querySelector(selector);
  const tile = { element, part, image: part('img'), url: camera.urls, streaming: null };
  part('h2').textContent = camera.title;
  part('.picture').href = camera.urls.stream;
  part('.picture').title = 'Open the stream of ' + camera.title;
  part('.snapshot').href = camera.urls.snapshot;
  part('.snapshot').setAttribute('aria-label', 'Snapshot of ' + camera.title);
  tile.image.alt = 'Live picture of ' + camera.title;
  // A stream that cannot be had is asked for again. One that ends leaves its last picture and no event.
  tile.image.addEventListener('error', () => {
    if (tile.streaming) setTimeout(() => play(tile, true), refreshAfter);
  });
  wall.append(element);
  return tile;
}

function play(tile, streaming) {
  tile.streaming = streaming;
  if (document.hidden) return;
  if (streaming) {
    tile.image.src = tile.url.stream + '?t=' + Date.now();
  } else {
    poll(tile);
  }
}

// poll fetches snapshots, the next one not before this one is there.
function poll(tile) {
  clearTimeout(tile.timer);
  if (tile.streaming || document.hidden || !tile.element.isConnected) return;
  const next = new Image();
  next.onload = () => {
    if (tile.streaming === false) tile.image.src = next.src;
    tile.timer = setTimeout(poll, pollEvery, tile);
  };
  next.onerror = () => { tile.timer = setTimeout(poll, refreshAfter, tile); };
  next.src = tile.url.snapshot + '?rendition=preview&t=' + Date.now();
}

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
  const streaming = cameras.length <= streamsAtMost;
  const present = new Set(cameras.map((camera) => camera.id));
  for (const [id, tile] of tiles) {
    if (present.has(id)) continue;
    tile.streaming = null;
    tile.image.src = '';
    tile.element.remove();
    tiles.delete(id);
  }
  for (const camera of cameras) {
    if (!tiles.has(camera.id)) tiles.set(camera.id, newTile(camera));
    const tile = tiles.get(camera.id);
    show(tile, camera);
    if (tile.streaming !== streaming) play(tile, streaming);
  }
  wall.style.setProperty('--tile', cameras.length > 9 ? '16rem' : cameras.length > 1 ? '24rem' : '100%');
  const live = cameras.filter((camera) => camera.state === 'live').length;
  summary.textContent = cameras.length ? `${live} of ${cameras.length} cameras live` : 'No camera is configured.';
  summary.className = '';
}

// run is the daemon's start, by which a new daemon is known: all streams of the old one have ended.
let run = null;
function restart(started) {
  run = started;
  for (const tile of tiles.values()) tile.streaming = null;
}

async function refresh() {
  if (!document.hidden) {
    try {
      const answer = await fetch('/api/v1/cameras', { cache: 'no-store', signal: AbortSignal.timeout(5000) });
      if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
      const state = await answer.json();
      if (state.started !== run) restart(state.started);
      render(state.cameras);
    } catch {
      summary.textContent = 'camd does not answer; trying again…';
      summary.className = 'bad';
      restart(null);
      for (const tile of tiles.values()) tile.element.dataset.state = 'offline';
    }
  }
  setTimeout(refresh, refreshAfter);
}

// A hidden page takes no pictures, and gets them at once when it is shown again.
document.addEventListener('visibilitychange', () => {
  for (const tile of tiles.values()) {
    if (document.hidden) {
      clearTimeout(tile.timer);
      tile.image.src = '';
    } else {
      play(tile, tile.streaming);
    }
  }
});

refresh();
