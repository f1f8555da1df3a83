// The page of a link: local times, reconnection, and a warning when the picture is not live.

import { dateTime } from './format.js';
import { showPageProblem } from './messages.js';
import { applyTheme } from './settings.js';

applyTheme();
for (const time of document.querySelectorAll('time')) time.textContent = dateTime(new Date(time.dateTime));

const picture = document.getElementById('picture');
if (picture) watch(picture.src);

// watch polls the camera's state, marks a picture that is not live, and reconnects. A stopped picture looks like a still scene.
function watch(src) {
  const state = src.replace(/\/cameras\/(.*)\/stream\.mjpg/, '/api/v1/cameras/$1');
  let lost = false;
  // A browser may keep a page after the user left it, and its connection with it.
  addEventListener('pagehide', () => { picture.removeAttribute('src'); });
  addEventListener('pageshow', (event) => { if (event.persisted) picture.src = src; });
  picture.addEventListener('error', () => { lost = true; });
  const poll = async () => {
    const answer = await fetch(state, { cache: 'no-store', headers: { 'X-Requested-With': 'camd' }, signal: AbortSignal.timeout(5000) }).catch(() => null);
    if (answer && answer.status >= 400 && answer.status < 500 && answer.status !== 429) {
      picture.hidden = true;
      showPageProblem('This link has expired or was revoked. Ask for a new link.', true);
      return;
    }
    if (!answer?.ok) {
      lost = true;
      showPageProblem('camd does not answer. Trying again…', true);
    } else if (lost) {
      lost = false;
      picture.src = src;
      showPageProblem('', false);
    }
    setTimeout(poll, 3000);
  };
  poll();
}
