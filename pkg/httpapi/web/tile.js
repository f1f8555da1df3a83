// One camera in the grid.

import { LiveView } from './live_view.js';
import { count, disconnectedLabel, pictureProblem, seconds, sentence, shownState, stateLabel } from './format.js';
import { showProblem } from './messages.js';
import { streamNote } from './stream_texts.js';

const template = document.getElementById('tile');

export class Tile {
  constructor(camera) {
    this.element = template.content.firstElementChild.cloneNode(true);
    this.part = (selector) => this.element.querySelector(selector);
    this.liveView = new LiveView(this.part('.pictures'));
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
      this.part('.pictures').setAttribute('aria-label', `Open ${camera.title}`);
    }
    this.camera = camera;
    this.liveView.turnOff(camera.paused);
    this.tick();
  }

  // showDisconnected shows that camd does not answer.
  showDisconnected(text) {
    setState(this, 'offline', disconnectedLabel);
    showProblem(this.part('.problem'), text);
    showProblem(this.part('.note'), '');
    this.link.title = text;
    this.part('.figures').replaceChildren();
  }

  // tick updates what changes with time.
  tick() {
    const { camera, liveView } = this;
    showState(this, this.visible ? liveView.silentSeconds(camera) : 0);
    this.link.title = this.part('.problem').title || this.part('.note').title; // the link covers them
    this.element.toggleAttribute('data-placeholder', liveView.picture?.placeholder ?? false);
    showFigures(this.part('.figures'), camera, liveView);
  }
}

function setState({ element, part }, value, label) {
  element.dataset.state = value;
  part('.state').textContent = label;
}

// showState shows on a tile or in the single view its camera's state, its problem and what to know about its stream. silentFor is for
// how many seconds no picture came.
export function showState(view, silentFor) {
  const { camera, liveView } = view;
  const stale = silentFor > 0;
  view.element.toggleAttribute('data-stale', stale);
  const track = liveView.picture?.track;
  const value = shownState(camera, track, silentFor);
  setState(view, value, stateLabel(value));
  const text = pictureProblem(camera, track, liveView.refusedReason, silentFor);
  showProblem(view.part('.problem'), text, liveView.picture?.placeholder && !stale ? sentence(camera.detail) : text); // the placeholder shows the rest
  showProblem(view.part('.note'), text ? '' : streamNote(camera, liveView));
}

// showFigures shows a camera's size, frame rate, the age of the picture and the number of viewers other than this page.
export function showFigures(element, camera, liveView) {
  const { width, height } = camera.format;
  const { age } = liveView;
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
