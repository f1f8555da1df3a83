// How things are said to people.

const states = {
  idle: 'asleep', starting: 'starting', live: 'live', stalled: 'no new picture', offline: 'offline', paused: 'switched off',
};

export const stateWord = (state) => states[state] ?? state;

// why says what is wrong with a camera, empty if nothing is.
export function why(camera) {
  const reason = [camera.reason_text, camera.detail].filter(Boolean).join(': ');
  return reason && `${reason}, since ${new Date(camera.since).toLocaleString()}`;
}

// explain says in an element what is wrong, and hides it if nothing is. brief is said instead where there is a title for the rest.
export function explain(element, text, brief = text) {
  element.textContent = brief;
  element.title = text;
  element.hidden = !brief;
}

// countdown says when the next attempt to reach camd is made.
export function countdown(until) {
  const wait = Math.max(0, Math.ceil((until - Date.now()) / 1000));
  return `camd does not answer; trying again ${wait ? `in ${wait} s` : 'now'}…`;
}

// listenable moves an element to where it is heard: what lies outside an open dialog is not.
export function listenable(id) {
  const element = document.getElementById(id);
  (document.querySelector('dialog[open]') ?? document.body).append(element);
  return element;
}

export const count = (n, thing) => `${n} ${thing}${n === 1 ? '' : 's'}`;

// seconds says a time as briefly as it is exact: 0.12 s, 4 s, 3 min.
export function seconds(s) {
  if (s < 1) return `${Math.max(0, s).toFixed(2)} s`;
  if (s < 10) return `${s.toFixed(1)} s`;
  if (s < 100) return `${Math.round(s)} s`;
  if (s < 6000) return `${Math.round(s / 60)} min`;
  return `${Math.round(s / 3600)} h`;
}

export function bytes(n) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let i = 0;
  for (; n >= 1000 && i < units.length - 1; i++) n /= 1000;
  return `${n.toFixed(i && n < 100 ? 1 : 0)} ${units[i]}`;
}

let fading;

// toast says something that needs no answer.
export function toast(text) {
  const element = listenable('toast');
  element.showPopover?.();
  element.textContent = text;
  clearTimeout(fading);
  fading = setTimeout(() => element.hidePopover?.(), 6000);
}
