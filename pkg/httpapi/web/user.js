// The user of this page, their roles, and the button to log in or out.

import { fetchJSON } from './api.js';
import { toast } from './messages.js';

const impliedRoles = { view: ['view'], control: ['view', 'control'], admin: ['view', 'control', 'admin'] };
let user = { role: 'view' };

// hasRole reports whether the user has a role at every camera that is shown.
export const hasRole = (role) => (impliedRoles[user.role] ?? []).includes(role);

export const canShare = () => hasRole('control') && user.links;

// isAuthenticated reports whether the user gave credentials. Their programs need credentials then, too.
export const isAuthenticated = () => ['session', 'password', 'token'].includes(user.kind);

// loadUser loads the user and hides what they are not allowed to do. It returns false if camd does not answer.
export async function loadUser() {
  try {
    user = await fetchJSON('/api/v1/me');
  } catch {
    return false; // the caller tries again
  }
  for (const control of document.querySelectorAll('[data-requires]')) {
    control.hidden = control.dataset.requires === 'links' ? !canShare() : !hasRole(control.dataset.requires);
  }
  const element = document.getElementById('current-user');
  element.hidden = user.kind === 'anonymous' && !user.login;
  element.querySelector('span').textContent = user.kind === 'anonymous' ? '' : user.name;
  const button = element.querySelector('button');
  button.hidden = user.kind !== 'session' && user.kind !== 'anonymous';
  button.textContent = user.kind === 'session' ? 'Log out' : 'Log in';
  button.onclick = user.kind === 'session' ? logOut : () => location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
  return true;
}

async function logOut() {
  const answer = await fetch('/logout', { method: 'POST', redirect: 'manual', headers: { 'X-Requested-With': 'camd' } }).catch(() => null);
  if (answer) location.assign('/login');
  else toast('You are still logged in: camd does not answer');
}
