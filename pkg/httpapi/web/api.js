// Requests to camd's API, and the offset of its clock.

// A page that is open for days makes many requests, and the browser keeps an entry of each.
performance.setResourceTimingBufferSize(0);

// fetchJSON returns the body of a response. If camd refuses, the error has camd's message.
export async function fetchJSON(path, options = {}) {
  return (await request(path, options)).body;
}

// With this header camd does not make the browser show its own password dialog.
const csrfHeader = { 'X-Requested-With': 'camd' };

// goToLogin opens the login page, because the session has ended.
function goToLogin() {
  location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
}

// fail replaces the error of a request without an answer, which the browser words for programmers.
const fail = () => { throw new Error('camd does not answer'); };

async function request(path, options) {
  const answer = await fetch(path, { cache: 'no-store', signal: AbortSignal.timeout(10000), ...options, headers: { ...csrfHeader, ...options.headers } }).catch(fail);
  const body = await answer.json().catch(() => ({}));
  if (answer.status === 401) goToLogin();
  if (!answer.ok) throw new Error(body.error ?? `${answer.status} ${answer.statusText}`);
  return { body, warning: answer.headers.get('X-Camd-Warning') ?? '' };
}

export const cameraPath = (id) => `/api/v1/cameras/${encodeURIComponent(id)}`;

// patchCamera changes a camera and returns its new state and a warning, which is usually empty.
export async function patchCamera(id, patch) {
  const { body, warning } = await request(cameraPath(id), {
    method: 'PATCH', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(patch), signal: AbortSignal.timeout(20000),
  });
  return { camera: body, warning };
}

// createLink creates a link to a camera: {page, stream, until}. lifetime is a duration such as 8h.
export async function createLink(id, lifetime) {
  return fetchJSON(`${cameraPath(id)}/links`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ for: lifetime }) });
}

// fetchWallError returns why camd refuses the WebSocket, and null if camd does not answer. A plain request to the same address has
// the same error.
export async function fetchWallError() {
  try {
    const answer = await fetch('/api/v1/wall', { cache: 'no-store', headers: csrfHeader, signal: AbortSignal.timeout(5000) });
    if (answer.status === 401) goToLogin();
    const { error } = await answer.json();
    if ([400, 426].includes(answer.status)) return 'the WebSocket connection failed: if a proxy is in front of camd, it must forward WebSockets'; // camd would accept one now
    return error;
  } catch {
    return null; // there is no answer, or a proxy has answered
  }
}

// clockOffset is how many milliseconds camd's clock is ahead of this one. The quickest of the last twenty responses has measured it.
let clockOffset = 0;
let roundTrips = [];

// listCameras returns all cameras. It also updates the clock offset.
export async function listCameras() {
  const sentAt = Date.now();
  const start = performance.now();
  const list = await fetchJSON('/api/v1/cameras');
  const took = performance.now() - start;
  roundTrips = [...roundTrips.slice(-19), { took, clockOffset: Date.parse(list.time) - (sentAt + took / 2) }];
  ({ clockOffset } = roundTrips.reduce((best, trip) => (trip.took < best.took ? trip : best)));
  return list.cameras;
}

// secondsUntil returns the seconds from now to a time of camd's clock, given in milliseconds since 1970.
export const secondsUntil = (time) => Math.max(0, (time - Date.now() - clockOffset) / 1000);

// secondsSince returns the seconds from a time of camd's clock, given in milliseconds since 1970, to now.
export const secondsSince = (time) => Math.max(0, (Date.now() + clockOffset - time) / 1000);

// downloadSnapshot downloads a camera's newest picture as a file.
export async function downloadSnapshot(id) {
  const answer = await fetch(`/cameras/${encodeURIComponent(id)}/snapshot.jpg`, { cache: 'no-store', headers: csrfHeader, signal: AbortSignal.timeout(20000) }).catch(fail);
  if (!answer.ok) throw new Error(answer.status === 503 ? 'the camera has no live picture' : `${answer.status} ${answer.statusText}`);
  const taken = new Date(1000 * Number(answer.headers.get('X-Timestamp')));
  const link = document.createElement('a');
  link.href = URL.createObjectURL(await answer.blob());
  link.download = `${id}-${taken.toISOString().slice(0, 19).replaceAll(':', '')}Z.jpg`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}
