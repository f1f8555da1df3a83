// Cameras of several sites, each under its site's name.

import { count } from './format.js';

// group returns runs of cameras of one site, in their order.
export function group(cameras) {
  const groups = [];
  for (const camera of cameras) {
    if (groups.at(-1)?.site !== camera.site) groups.push({ site: camera.site, cameras: [] });
    groups.at(-1).cameras.push(camera);
  }
  return groups;
}

// headings returns what is on a wall: the cameras and, where they are of several sites, a heading before each site's, new or that
// which is there. It takes those off the wall that are not needed any more.
export function headings(wall, cameras) {
  const groups = group(cameras);
  const old = [...wall.querySelectorAll('.site')];
  const parts = groups.flatMap((one) => (groups.length < 2 ? one.cameras : [heading(old.shift(), one), ...one.cameras]));
  for (const element of old) element.remove();
  return parts;
}

function heading(element, { site, cameras }) {
  const made = element ?? Object.assign(document.createElement('h2'), { className: 'site' });
  const live = cameras.filter(({ state }) => state === 'live').length;
  if (!made.children.length) made.append(document.createElement('span'), document.createElement('small'));
  const texts = [site || 'Here', live === cameras.length ? count(live, 'camera') : `${live} of ${count(cameras.length, 'camera')} live`];
  texts.forEach((text, i) => { if (made.children[i].textContent !== text) made.children[i].textContent = text; });
  made.classList.toggle('bad', cameras.some(({ state }) => state === 'offline' || state === 'stalled'));
  return made;
}
