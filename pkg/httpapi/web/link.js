// What the page to log in and the one that a link leads to do better with a script than without.

import { applyTheme } from './settings.js';

applyTheme();
for (const time of document.querySelectorAll('time')) time.textContent = new Date(time.dateTime).toLocaleString();

const picture = document.getElementById('picture');
if (picture) watch(picture.src);

// watch keeps a picture from being taken for live that is not: one that has stopped looks like one in which nothing moves.
function watch(src) {
  const state = src.replace(/\/cameras\/(.*)\/stream\.mjpg/, '/api/v1/cameras/$1');
  const why = document.querySelector('.problem');
  let lost = false;
  const say = (text) => {
    why.hidden = !text;
    if (why.textContent !== text) why.textContent = text;
    document.body.toggleAttribute('data-stale', text !== '');
  };
  // A browser may keep a page that was left, and its connection with it.
  addEventListener('pagehide', () => { picture.removeAttribute('src'); });
  addEventListener('pageshow', (event) => { if (event.persisted) picture.src = src; });
  picture.addEventListener('error', () => { lost = true; });
  const look = async () => {
    const answer = await fetch(state, { cache: 'no-store', headers: { 'X-Requested-With': 'camd' }, signal: AbortSignal.timeout(5000) }).catch(() => null);
    if (answer && answer.status >= 400 && answer.status < 500 && answer.status !== 429) {
      picture.hidden = true;
      say('This link has expired, or was taken back.');
      return;
    }
    if (!answer?.ok) {
      lost = true;
      say('camd does not answer. The page tries again by itself.');
    } else if (lost) {
      lost = false;
      picture.src = src;
      say('');
    }
    setTimeout(look, 3000);
  };
  look();
}
