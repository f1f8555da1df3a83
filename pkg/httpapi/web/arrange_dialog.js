// The dialog in which cameras are put in order and hidden.

import { saveSettings, settings, sortCameras } from './settings.js';
import { addIcons } from './icons.js';

const dialog = document.getElementById('arrange');
const list = dialog.querySelector('ol');
const template = document.getElementById('row');

// openArrangeDialog opens the dialog. onChange is called after each change.
export function openArrangeDialog(cameras, onChange) {
  const draw = () => {
    list.replaceChildren(...sortCameras(cameras).map((camera, i) => row(camera, i)));
    onChange();
  };
  const row = (camera, i) => {
    const element = template.content.firstElementChild.cloneNode(true);
    const checkbox = element.querySelector('input');
    element.querySelector('label span').textContent = camera.remote ? `${camera.site} · ${camera.title}` : camera.title;
    checkbox.checked = !settings.hidden.includes(camera.id);
    checkbox.onchange = () => {
      const others = settings.hidden.filter((id) => id !== camera.id);
      saveSettings({ hidden: checkbox.checked ? others : [...others, camera.id] });
      onChange();
    };
    for (const [selector, step, direction] of [['.up', -1, 'before'], ['.down', 1, 'after']]) {
      const button = element.querySelector(selector);
      const other = [sortCameras(cameras)[i + step]].find((one) => one?.site === camera.site);
      button.disabled = !other;
      button.setAttribute('aria-label', other ? `Move ${camera.title} ${direction} ${other.title}` : `${camera.title} cannot move`);
      button.onclick = () => {
        const order = sortCameras(cameras).map(({ id }) => id);
        [order[i], order[i + step]] = [order[i + step], order[i]];
        saveSettings({ order });
        draw();
        const moved = list.children[i + step];
        (moved.querySelector(`${selector}:enabled`) ?? moved.querySelector('button:enabled'))?.focus();
      };
    }
    addIcons(element);
    return element;
  };
  dialog.querySelector('.reset').onclick = () => {
    saveSettings({ order: [], hidden: [] });
    draw();
  };
  dialog.querySelector('.done').onclick = () => dialog.close();
  draw();
  dialog.showModal();
}
