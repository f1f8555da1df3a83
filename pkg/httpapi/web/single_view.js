// The stage: one camera in full size, over all others.

import { may } from './user.js';
import { Screen } from './live_canvas.js';
import { condition, figures } from './tile.js';
import { explain } from './format.js';
import { Zoom } from './zoom.js';

const step = 80; // pixels that an arrow moves a zoomed picture

export class Stage {
  // closed is called when the person goes back to all cameras.
  constructor(closed) {
    this.element = document.getElementById('stage');
    this.camera = null;
    this.theatre = document.getElementById('theatre'); // what goes full screen: a dialog may not
    this.part = (selector) => this.element.querySelector(selector);
    this.screen = new Screen(this.part('canvas'));
    this.zoom = new Zoom(document.getElementById('view'), this.screen.canvas);
    this.element.addEventListener('cancel', (event) => {
      event.preventDefault(); // Esc: the address has to change, too
      closed();
    });
  }

  // open shows a camera, with the picture that its tile has until its own comes.
  open(camera, tile) {
    this.camera = camera;
    this.opened = performance.now();
    this.zoom.reset();
    this.screen.clear();
    this.refusal = '';
    if (tile) this.screen.copy(tile.screen);
    this.screen.canvas.setAttribute('aria-label', `Live picture of ${camera.title}`);
    this.part('#stage-title').textContent = camera.remote ? `${camera.site} · ${camera.title}` : camera.title;
    this.part('.details').href = `/cameras/${encodeURIComponent(camera.id)}`;
    this.show(camera);
    if (!this.element.open) this.element.showModal();
  }

  close() {
    this.camera = null;
    if (this.element.open) this.element.close();
  }

  draw(bitmap, picture) {
    this.screen.draw(bitmap, picture);
    this.refusal = '';
    if (this.opened === null || picture.rendition !== 'main') return;
    // How long it took from the click to the first picture, for whoever measures it.
    performance.clearMeasures('camd.open');
    performance.measure('camd.open', { start: this.opened, end: performance.now() });
    this.opened = null;
  }

  show(camera) {
    this.camera = camera;
    if (camera.paused) this.screen.hide();
    const power = this.part('[data-do=pause]');
    power.hidden = camera.remote || !may('control'); // whoever is there decides
    power.setAttribute('aria-pressed', camera.paused);
    power.setAttribute('aria-label', camera.paused ? `Switch ${camera.title} on` : `Switch ${camera.title} off`);
    this.tick();
  }

  lost(text) {
    this.element.dataset.state = 'offline';
    this.part('.state').textContent = 'not connected';
    explain(this.part('.why'), text);
    this.part('.figures').replaceChildren();
  }

  tick() {
    condition(this, this.screen.silent(this.camera));
    figures(this.part('.figures'), this.camera, this.screen);
  }

  zoomIn() { this.zoom.by(1.5); }

  zoomOut() { this.zoom.by(1 / 1.5); }

  // pan moves a zoomed picture and says whether there was one.
  pan(across, down) {
    if (this.zoom.scale === 1) return false;
    this.zoom.move(-across * step, -down * step);
    return true;
  }
}
