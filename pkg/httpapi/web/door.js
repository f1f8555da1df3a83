// What the page to log in and the one that a link leads to do better with a script than without.

import { applyTheme } from './choice.js';

applyTheme();
for (const time of document.querySelectorAll('time')) time.textContent = new Date(time.dateTime).toLocaleString();

// A stream that has ended stands still: say so, and try again while the link is good.
const picture = document.getElementById('picture');
if (picture) {
  const { src } = picture;
  const until = Date.parse(document.querySelector('time').dateTime);
  const over = () => {
    picture.removeAttribute('src');
    picture.alt = 'This link has expired.';
  };
  picture.addEventListener('error', () => {
    if (Date.now() >= until) over();
    else setTimeout(() => { picture.src = src; }, 2000);
  });
  const watch = () => {
    if (Date.now() >= until) over();
    else setTimeout(watch, Math.min(until - Date.now() + 500, 60000));
  };
  watch();
}
