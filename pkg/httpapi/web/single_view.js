// The dialog with one camera in full size, over the grid.

import { disconnectedLabel } from './format.js';
import { hasRole } from './user.js';
import { LiveView } from './live_view.js';
import { showFigures, showState } from './tile.js';
import { showProblem } from './messages.js';
import { StreamDetails } from './stream_details.js';
import { Zoom } from './zoom.js';

const panStep = 80; // pixels that an arrow moves a zoomed picture

export class SingleView {
  // onClose is called when the user goes back to all cameras.
  constructor(onClose) {
    this.element = document.getElementById('single-view');
    this.camera = null;
    this.content = document.getElementById('single-view-content'); // the element for full screen: a dialog cannot be
    this.part = (selector) => this.element.querySelector(selector);
    this.liveView = new LiveView(this.part('.pictures'), () => this.measureOpening());
    this.zoom = new Zoom(document.getElementById('view'), this.liveView.element);
    this.details = new StreamDetails(document.getElementById('stream-details'), this.part('[data-action=streamDetails]'), this.liveView, () => this.camera);
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
    this.liveView.clear();
    this.liveView.turnOff(camera.paused);
    if (tile) this.liveView.copyFrom(tile.liveView);
    this.liveView.element.setAttribute('aria-label', `Live picture of ${camera.title}`);
    this.part('#single-view-title').textContent = camera.remote ? `${camera.site} · ${camera.title}` : camera.title;
    this.part('.details').href = `/cameras/${encodeURIComponent(camera.id)}`;
    this.show(camera);
    if (!this.element.open) this.element.showModal();
  }

  close() {
    this.camera = null;
    this.details.close();
    this.liveView.clear();
    if (this.element.open) this.element.close();
  }

  // measureOpening measures the time from the click to the first picture in full size, for tests and measurements.
  measureOpening() {
    if (this.openedAt === null || this.liveView.stream?.view !== 'full') return;
    performance.clearMeasures('camd.open');
    performance.measure('camd.open', { start: this.openedAt, end: performance.now() });
    this.openedAt = null;
  }

  show(camera) {
    this.camera = camera;
    this.liveView.turnOff(camera.paused);
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
    showProblem(this.part('.note'), '');
    this.part('.figures').replaceChildren();
  }

  tick() {
    showState(this, this.liveView.silentSeconds(this.camera));
    showFigures(this.part('.figures'), this.camera, this.liveView);
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
