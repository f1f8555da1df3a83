// The sheet on which cameras are put in order and hidden.

import { choice, save, sorted } from './settings.js';
import { furnish } from './icons.js';

const sheet = document.getElementById('arrange');
const list = sheet.querySelector('ol');
const template = document.getElementById('row');

// arrange opens the sheet; changed is called after each change.
export function arrange(cameras, changed) {
  const draw = () => {
    list.replaceChildren(...sorted(cameras).map((camera, i) => row(camera, i)));
    changed();
  };
  const row = (camera, i) => {
    const element = template.content.firstElementChild.cloneNode(true);
    const box = element.querySelector('input');
    element.querySelector('label span').textContent = camera.remote ? `${camera.site} · ${camera.title}` : camera.title;
    box.checked = !choice.hidden.includes(camera.id);
    box.onchange = () => {
      const others = choice.hidden.filter((id) => id !== camera.id);
      save({ hidden: box.checked ? others : [...others, camera.id] });
      changed();
    };
    for (const [selector, step, word] of [['.up', -1, 'before'], ['.down', 1, 'after']]) {
      const button = element.querySelector(selector);
      const other = [sorted(cameras)[i + step]].find((one) => one?.site === camera.site);
      button.disabled = !other;
      button.setAttribute('aria-label', other ? `${camera.title} ${word} ${other.title}` : `${camera.title} stays`);
      button.onclick = () => {
        const order = sorted(cameras).map(({ id }) => id);
        [order[i], order[i + step]] = [order[i + step], order[i]];
        save({ order });
        draw();
        const moved = list.children[i + step];
        (moved.querySelector(`${selector}:enabled`) ?? moved.querySelector('button:enabled'))?.focus();
      };
    }
    furnish(element);
    return element;
  };
  sheet.querySelector('.reset').onclick = () => {
    save({ order: [], hidden: [] });
    draw();
  };
  sheet.querySelector('.done').onclick = () => sheet.close();
  draw();
  sheet.showModal();
}
