// Who looks at this page, and what they may.

import { ask } from './api.js';
import { toast } from './format.js';

const holds = { view: ['view'], control: ['view', 'control'], admin: ['view', 'control', 'admin'] };
let me = { role: 'view' };

// may tells whether a role's things may be done, at every camera that is shown.
export const may = (role) => (holds[me.role] ?? []).includes(role);

export const canShare = () => may('control') && me.links;

// named tells whether who looks has told camd who they are, as their programs will have to.
export const named = () => ['session', 'password', 'token'].includes(me.kind);

// introduce asks who looks, and takes away what they may not do, until they have been answered.
export async function introduce() {
  try {
    me = await ask('/api/v1/me');
  } catch {
    return false; // it is asked again
  }
  for (const element of document.querySelectorAll('[data-needs]')) {
    element.hidden = element.dataset.needs === 'links' ? !canShare() : !may(element.dataset.needs);
  }
  const who = document.getElementById('who');
  who.hidden = me.kind === 'anonymous' && !me.login;
  who.querySelector('span').textContent = me.kind === 'anonymous' ? '' : me.who;
  const button = who.querySelector('button');
  button.hidden = me.kind !== 'session' && me.kind !== 'anonymous';
  button.textContent = me.kind === 'session' ? 'Log out' : 'Log in';
  button.onclick = me.kind === 'session' ? logOut : () => location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
  return true;
}

async function logOut() {
  const answer = await fetch('/logout', { method: 'POST', redirect: 'manual', headers: { 'X-Requested-With': 'camd' } }).catch(() => null);
  if (answer) location.assign('/login');
  else toast('not logged out: camd does not answer');
}
