// Cameras of several sites, each under its site's name.

import { count } from './format.js';

// groupBySite returns runs of cameras of one site, in their order.
export function groupBySite(cameras) {
  const groups = [];
  for (const camera of cameras) {
    if (groups.at(-1)?.site !== camera.site) groups.push({ site: camera.site, cameras: [] });
    groups.at(-1).cameras.push(camera);
  }
  return groups;
}

// withHeadings returns the cameras with a heading before those of each site, if there are several sites. It uses the headings that
// are in the grid, and removes those that are not needed.
export function withHeadings(grid, cameras) {
  const groups = groupBySite(cameras);
  const old = [...grid.querySelectorAll('.site')];
  const parts = groups.flatMap((one) => (groups.length < 2 ? one.cameras : [heading(old.shift(), one), ...one.cameras]));
  for (const element of old) element.remove();
  return parts;
}

function heading(element, { site, cameras }) {
  const result = element ?? Object.assign(document.createElement('h2'), { className: 'site' });
  const live = cameras.filter(({ state }) => state === 'live').length;
  if (!result.children.length) result.append(document.createElement('span'), document.createElement('small'));
  const texts = [site || 'This server', live === cameras.length ? count(live, 'camera') : `${live} of ${count(cameras.length, 'camera')} live`];
  texts.forEach((text, i) => { if (result.children[i].textContent !== text) result.children[i].textContent = text; });
  result.classList.toggle('error', cameras.some(({ state }) => state === 'offline' || state === 'stalled'));
  return result;
}
