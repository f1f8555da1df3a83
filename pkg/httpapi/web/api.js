// camd's answers, and its clock.

// A page that is open for days asks often, and the browser notes each time.
performance.setResourceTimingBufferSize(0);

// ask returns an answer's JSON; its error is camd's own words where there are any.
export async function ask(path, options = {}) {
  return (await request(path, options)).body;
}

// It keeps the browser from asking for a password in a window of its own.
const ours = { 'X-Requested-With': 'camd' };

// logIn leaves for where people log in: a session has ended.
function logIn() {
  location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
}

async function request(path, options) {
  const answer = await fetch(path, { cache: 'no-store', signal: AbortSignal.timeout(10000), ...options, headers: { ...ours, ...options.headers } });
  const body = await answer.json().catch(() => ({}));
  if (answer.status === 401) logIn();
  if (!answer.ok) throw new Error(body.error ?? `${answer.status} ${answer.statusText}`);
  return { body, warning: answer.headers.get('X-Camd-Warning') ?? '' };
}

export const cameraPath = (id) => `/api/v1/cameras/${encodeURIComponent(id)}`;

// change patches a camera and returns it as it is then, and a warning, which is usually empty.
export async function change(id, patch) {
  const { body, warning } = await request(cameraPath(id), {
    method: 'PATCH', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(patch), signal: AbortSignal.timeout(20000),
  });
  return { camera: body, warning };
}

// share makes a link to a camera that is good for so long: {page, stream, until}.
export async function share(id, lasting) {
  return ask(`${cameraPath(id)}/links`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ for: lasting }) });
}

// wallRefusal returns why camd refuses a connection for pictures, and null if camd does not answer. The same address without a
// WebSocket says so.
export async function wallRefusal() {
  try {
    const answer = await fetch('/api/v1/wall', { cache: 'no-store', headers: ours, signal: AbortSignal.timeout(5000) });
    if (answer.status === 401) logIn();
    const { error } = await answer.json();
    if ([400, 426].includes(answer.status)) return 'no WebSocket connection; trying again'; // camd would take one now
    return error;
  } catch {
    return null; // no answer, or that of a proxy
  }
}

// camd's clock is ahead of this one by so many milliseconds, as the quickest answer of late has it.
let ahead = 0;
let rounds = [];

// listCameras returns all cameras, and sets the clock by the way.
export async function listCameras() {
  const asked = Date.now();
  const began = performance.now();
  const list = await ask('/api/v1/cameras');
  const took = performance.now() - began;
  rounds = [...rounds.slice(-19), { took, ahead: Date.parse(list.time) - (asked + took / 2) }];
  ({ ahead } = rounds.reduce((best, round) => (round.took < best.took ? round : best)));
  return list.cameras;
}

// until returns in how many seconds something is by camd's clock, given in milliseconds since 1970.
export const until = (then) => Math.max(0, (then - Date.now() - ahead) / 1000);

// age returns how many seconds ago something was by camd's clock, given in milliseconds since 1970.
export const age = (then) => Math.max(0, (Date.now() + ahead - then) / 1000);

// saveSnapshot gives a camera's newest picture to the person as a file.
export async function saveSnapshot(id) {
  const answer = await fetch(`/cameras/${encodeURIComponent(id)}/snapshot.jpg`, { cache: 'no-store', headers: ours, signal: AbortSignal.timeout(20000) });
  if (!answer.ok) throw new Error(answer.status === 503 ? 'this camera has no live picture now' : `${answer.status} ${answer.statusText}`);
  const taken = new Date(1000 * Number(answer.headers.get('X-Timestamp')));
  const link = document.createElement('a');
  link.href = URL.createObjectURL(await answer.blob());
  link.download = `${id}-${taken.toISOString().slice(0, 19).replaceAll(':', '')}Z.jpg`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}
