// One camera on the wall.

import { Screen } from './screen.js';
import { count, seconds, stateWord, why } from './words.js';

const template = document.getElementById('tile');

export class Tile {
  constructor(camera) {
    this.element = template.content.firstElementChild.cloneNode(true);
    this.part = (selector) => this.element.querySelector(selector);
    this.screen = new Screen(this.part('canvas'));
    this.link = this.part('.open');
    this.link.href = `#${camera.id}`;
    this.id = camera.id;
    this.visible = true; // until the page says that it is scrolled away
    this.element.dataset.camera = camera.id;
    this.show(camera);
  }

  show(camera) {
    if (this.camera?.title !== camera.title) {
      this.part('h2').textContent = camera.title;
      this.part('h2').title = camera.title;
      this.part('canvas').setAttribute('aria-label', `Open ${camera.title}`);
    }
    this.camera = camera;
    this.element.dataset.state = camera.state;
    this.part('footer').classList.toggle('live', camera.state === 'live');
    this.part('.state').textContent = stateWord(camera.state);
    this.tick();
  }

  // lost says that nothing is known of the camera, as camd does not answer.
  lost() {
    this.element.dataset.state = 'offline';
    this.part('.state').textContent = 'not connected';
    this.part('.why').hidden = true;
  }

  // tick says what changes by itself.
  tick() {
    const { camera, screen } = this;
    const silent = this.visible ? screen.silent(camera) : 0;
    this.element.toggleAttribute('data-stale', silent > 0);
    const text = why(camera) || (silent && `no picture has come for ${seconds(silent)}`);
    this.part('.why').textContent = text || '';
    this.part('.why').title = text || '';
    this.part('.why').hidden = !text;
    figures(this.part('.figures'), camera, screen);
  }
}

// figures says a camera's size, rate, the age of the picture on the screen, and who watches.
export function figures(element, camera, screen) {
  const { width, height } = camera.format;
  const { age } = screen;
  const parts = [
    ['size', width ? `${width}×${height}` : ''],
    ['rate', camera.state === 'live' ? `${camera.fps.toFixed(1)} fps` : ''],
    ['age', age === null || camera.state !== 'live' ? '' : seconds(age)],
    ['viewers', camera.viewers ? count(camera.viewers, 'viewer') : ''],
  ].filter(([, text]) => text);
  while (element.children.length > parts.length) element.lastChild.remove();
  while (element.children.length < parts.length) element.append(document.createElement('span'));
  parts.forEach(([name, text], i) => {
    element.children[i].className = name;
    element.children[i].textContent = text;
  });
}
