// Texts for people: states, problems, counts, times and sizes.

const stateLabels = {
  idle: 'Idle', starting: 'Starting', live: 'Live', stalled: 'No new picture', offline: 'Offline', paused: 'Turned off',
};

export const stateLabel = (state) => stateLabels[state] ?? state;

// The label while the page has no connection to camd.
export const disconnectedLabel = 'Disconnected';

// sentence returns a text with a capital first letter. The name camd has none.
export const sentence = (text) => (text.startsWith('camd') ? text : text.charAt(0).toUpperCase() + text.slice(1));

// problemText returns what is wrong with a camera, or with one of its streams. The text is empty if nothing is wrong.
export function problemText(state) {
  const reason = [state.reason_text, state.detail].filter(Boolean).join(': ');
  return reason && `${sentence(reason)} (since ${dateTime(new Date(state.since))})`;
}

// failedStream returns the stream of a rendition of a live camera if it has no pictures, because the decoder has failed.
const failedStream = (camera, rendition) => camera.state === 'live'
  ? camera.streams.find((stream) => stream.name === rendition && ['stalled', 'offline'].includes(stream.state)) : undefined;

// shownState returns the state to show beside the pictures of a rendition. A camera is never shown as live if its decoder has
// failed, or without a new picture for silentFor seconds.
export function shownState(camera, rendition, silentFor) {
  const isStalled = silentFor || failedStream(camera, rendition);
  return isStalled && camera.state === 'live' ? 'stalled' : camera.state;
}

// pictureProblem returns why the picture of a camera is missing or not live. The text is empty if nothing is wrong. refusedReason is why
// camd refuses to send pictures.
export function pictureProblem(camera, rendition, refusedReason, silentFor) {
  return problemText(failedStream(camera, rendition) ?? camera) || sentence(refusedReason ?? '') || (silentFor ? `No new picture for ${seconds(silentFor)}` : '');
}

// countdown returns a text with the time until the next attempt to connect.
export function countdown(until) {
  const wait = Math.max(0, Math.ceil((until - Date.now()) / 1000));
  return `camd does not answer. Trying again ${wait ? `in ${wait} s` : 'now'}…`;
}

// clock formats a time of day: 15:04:05.
export const clock = (date) => date.toLocaleTimeString('en-GB');

// dateTime formats a time as placeholders do: 15:04:05, 2 January. It adds the year unless it is the current one.
export function dateTime(date) {
  const year = date.getFullYear() === new Date().getFullYear() ? undefined : 'numeric';
  return `${clock(date)}, ${date.toLocaleDateString('en-GB', { day: 'numeric', month: 'long', year })}`;
}

export const count = (n, thing) => `${n} ${thing}${n === 1 ? '' : 's'}`;

// seconds formats a duration: 0.12 s, 4.0 s, 3 min.
export function seconds(s) {
  if (s < 1) return `${Math.max(0, s).toFixed(2)} s`;
  if (s < 10) return `${s.toFixed(1)} s`;
  if (s < 100) return `${Math.round(s)} s`;
  if (s < 6000) return `${Math.round(s / 60)} min`;
  return `${Math.round(s / 3600)} h`;
}

// bitRate formats bits per second: 820 kbit/s, 4.1 Mbit/s.
export const bitRate = (n) => (n < 1e6 ? `${Math.round(n / 1e3)} kbit/s` : `${(n / 1e6).toFixed(1)} Mbit/s`);

export function bytes(n) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let i = 0;
  for (; n >= 1000 && i < units.length - 1; i++) n /= 1000;
  return `${n.toFixed(i && n < 100 ? 1 : 0)} ${units[i]}`;
}
