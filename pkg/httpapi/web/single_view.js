// The dialog with one camera in full size, over the grid.

import { disconnectedLabel } from './format.js';
import { hasRole } from './user.js';
import { LiveCanvas } from './live_canvas.js';
import { showFigures, showState } from './tile.js';
import { showProblem } from './messages.js';
import { Zoom } from './zoom.js';

const panStep = 80; // pixels that an arrow moves a zoomed picture

export class SingleView {
  // onClose is called when the user goes back to all cameras.
  constructor(onClose) {
    this.element = document.getElementById('single-view');
    this.camera = null;
    this.content = document.getElementById('single-view-content'); // the element for full screen: a dialog cannot be
    this.part = (selector) => this.element.querySelector(selector);
    this.liveCanvas = new LiveCanvas(this.part('canvas'));
    this.zoom = new Zoom(document.getElementById('view'), this.liveCanvas.canvas);
    this.element.addEventListener('cancel', (event) => {
      event.preventDefault(); // Esc has to change the address, too
      onClose();
    });
  }

  // open shows a camera, with its tile's picture until the first one comes.
  open(camera, tile) {
    this.camera = camera;
    this.openedAt = performance.now();
    this.zoom.reset();
    this.liveCanvas.clear();
    this.refusedReason = '';
    if (tile) this.liveCanvas.copyFrom(tile.liveCanvas);
    this.liveCanvas.canvas.setAttribute('aria-label', `Live picture of ${camera.title}`);
    this.part('#single-view-title').textContent = camera.remote ? `${camera.site} · ${camera.title}` : camera.title;
    this.part('.details').href = `/cameras/${encodeURIComponent(camera.id)}`;
    this.show(camera);
    if (!this.element.open) this.element.showModal();
  }

  close() {
    this.camera = null;
    if (this.element.open) this.element.close();
  }

  draw(bitmap, picture) {
    this.liveCanvas.draw(bitmap, picture);
    this.refusedReason = '';
    if (this.openedAt === null || picture.rendition !== 'main') return;
    // The time from the click to the first picture, for tests and measurements.
    performance.clearMeasures('camd.open');
    performance.measure('camd.open', { start: this.openedAt, end: performance.now() });
    this.openedAt = null;
  }

  show(camera) {
    this.camera = camera;
    if (camera.paused) this.liveCanvas.hidePicture();
    const pauseButton = this.part('[data-action=pause]');
    pauseButton.hidden = camera.remote || !hasRole('control'); // only its own camd can turn it off
    pauseButton.setAttribute('aria-pressed', camera.paused);
    pauseButton.setAttribute('aria-label', camera.paused ? `Turn on ${camera.title}` : `Turn off ${camera.title}`);
    this.tick();
  }

  showDisconnected(text) {
    this.element.dataset.state = 'offline';
    this.part('.state').textContent = disconnectedLabel;
    showProblem(this.part('.problem'), text);
    this.part('.figures').replaceChildren();
  }

  tick() {
    showState(this, this.liveCanvas.silentSeconds(this.camera));
    showFigures(this.part('.figures'), this.camera, this.liveCanvas);
  }

  zoomIn() { this.zoom.scaleBy(1.5); }

  zoomOut() { this.zoom.scaleBy(1 / 1.5); }

  // pan moves a zoomed picture and returns whether it is zoomed.
  pan(across, down) {
    if (this.zoom.scale === 1) return false;
    this.zoom.move(-across * panStep, -down * panStep);
    return true;
  }
}
