// One camera on the wall.

import { Screen } from './live_canvas.js';
import { count, explain, seconds, stateWord, why } from './format.js';

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
    if (camera.paused) this.screen.hide();
    this.tick();
  }

  draw(bitmap, picture) {
    this.screen.draw(bitmap, picture);
    this.refusal = '';
  }

  // lost says that nothing is known of the camera, as camd does not answer.
  lost(text) {
    state(this, 'offline', 'not connected');
    explain(this.part('.why'), text);
    this.part('.figures').replaceChildren();
  }

  // tick says what changes by itself.
  tick() {
    const { camera, screen } = this;
    condition(this, this.visible ? screen.silent(camera) : 0);
    this.element.toggleAttribute('data-drawn', screen.picture?.drawn ?? false);
    figures(this.part('.figures'), camera, screen);
  }
}

function state({ element, part }, value, word) {
  element.dataset.state = value;
  part('.state').textContent = word;
}

// condition says on a tile or on the stage how its camera is, for how many seconds no picture has come, and what is wrong.
export function condition(place, silent) {
  const { camera, screen } = place;
  const stale = silent > 0;
  place.element.toggleAttribute('data-stale', stale);
  // That camd has called it live is not to be seen beside a picture that stands still.
  const value = stale && camera.state === 'live' ? 'stalled' : camera.state;
  state(place, value, stateWord(value));
  const text = why(camera) || place.refusal || (stale ? `no picture has come for ${seconds(silent)}` : '');
  explain(place.part('.why'), text, screen.picture?.drawn && !stale ? camera.detail : text); // a drawn picture says the rest
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
