// One camera in the grid.

import { LiveCanvas } from './live_canvas.js';
import { count, disconnectedLabel, pictureProblem, seconds, sentence, shownState, stateLabel } from './format.js';
import { showProblem } from './messages.js';

const template = document.getElementById('tile');

export class Tile {
  constructor(camera) {
    this.element = template.content.firstElementChild.cloneNode(true);
    this.part = (selector) => this.element.querySelector(selector);
    this.liveCanvas = new LiveCanvas(this.part('canvas'));
    this.link = this.part('.open');
    this.link.href = `#${camera.id}`;
    this.id = camera.id;
    this.visible = true; // until it is scrolled out of view
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
    if (camera.paused) this.liveCanvas.hidePicture();
    this.tick();
  }

  draw(bitmap, picture) {
    this.liveCanvas.draw(bitmap, picture);
    this.refusedReason = '';
  }

  // showDisconnected shows that camd does not answer.
  showDisconnected(text) {
    setState(this, 'offline', disconnectedLabel);
    showProblem(this.part('.problem'), text);
    this.link.title = text;
    this.part('.figures').replaceChildren();
  }

  // tick updates what changes with time.
  tick() {
    const { camera, liveCanvas } = this;
    showState(this, this.visible ? liveCanvas.silentSeconds(camera) : 0);
    this.link.title = this.part('.problem').title; // the link covers the problem
    this.element.toggleAttribute('data-placeholder', liveCanvas.picture?.placeholder ?? false);
    showFigures(this.part('.figures'), camera, liveCanvas);
  }
}

function setState({ element, part }, value, label) {
  element.dataset.state = value;
  part('.state').textContent = label;
}

// showState shows on a tile or in the single view its camera's state and problem. silentFor is for how many seconds no picture came.
export function showState(view, silentFor) {
  const { camera, liveCanvas } = view;
  const stale = silentFor > 0;
  view.element.toggleAttribute('data-stale', stale);
  const rendition = liveCanvas.picture?.rendition;
  const value = shownState(camera, rendition, silentFor);
  setState(view, value, stateLabel(value));
  const text = pictureProblem(camera, rendition, view.refusedReason, silentFor);
  showProblem(view.part('.problem'), text, liveCanvas.picture?.placeholder && !stale ? sentence(camera.detail) : text); // the placeholder shows the rest
}

// showFigures shows a camera's size, frame rate, the age of the picture and the number of viewers other than this page.
export function showFigures(element, camera, liveCanvas) {
  const { width, height } = camera.format;
  const { age } = liveCanvas;
  const parts = [
    ['size', width ? `${width}×${height}` : ''],
    ['rate', camera.state === 'live' ? `${camera.fps.toFixed(1)} fps` : ''],
    ['age', age === null || camera.state !== 'live' ? '' : `delay ${seconds(age)}`],
    ['viewers', camera.otherViewers ? count(camera.otherViewers, 'viewer') : ''],
  ].filter(([, text]) => text);
  while (element.children.length > parts.length) element.lastChild.remove();
  while (element.children.length < parts.length) element.append(document.createElement('span'));
  parts.forEach(([name, text], i) => {
    element.children[i].className = name;
    element.children[i].textContent = text;
  });
}
