// A canvas that shows one camera's newest picture, and knows how old it is.

import { age } from './api.js';

const patience = 3; // seconds; a slow camera gets three pictures' time

export class Screen {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext('2d', { alpha: false });
    this.clear();
  }

  clear() {
    this.context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    this.picture = null; // of the newest picture: when it was taken, whether camd drew it
    this.since = Date.now(); // when it came, or when waiting for it began
    delete this.canvas.dataset.shown;
    this.canvas.removeAttribute('data-drawn');
  }

  draw(bitmap, picture) {
    const { canvas } = this;
    if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
      canvas.width = bitmap.width;
      canvas.height = bitmap.height;
    }
    this.context.drawImage(bitmap, 0, 0);
    this.picture = picture;
    this.since = Date.now();
    canvas.dataset.shown = picture.rendition;
    canvas.toggleAttribute('data-drawn', picture.drawn);
  }

  // hide takes away a picture that its camera gave: it has been switched off.
  hide() {
    if (this.picture && !this.picture.drawn) this.clear();
  }

  // copy takes over what another screen shows, until something better comes.
  copy(other) {
    this.clear();
    if (other.picture) {
      this.draw(other.canvas, other.picture);
      this.since = other.since;
    }
  }

  // resume begins to wait anew, after a time in which nothing was asked for.
  resume() { this.since = Date.now(); }

  // age is the picture's when it was last looked at, in seconds; null if it is none of the camera's.
  get age() { return this.picture && !this.picture.drawn ? age(this.picture.taken) : null; }

  // silent is for how many seconds nothing came, where something should have: then what is shown is not live.
  silent(camera) {
    const quiet = (Date.now() - this.since) / 1000;
    const expected = camera.state !== 'idle';
    const rates = [camera.format.fps, camera.renditions.find(({ name }) => name === this.canvas.dataset.shown)?.fps];
    const rate = Math.min(...rates.filter((fps) => fps > 0)); // infinite if nobody knows
    return expected && quiet > Math.max(patience, 3 / rate) ? quiet : 0;
  }
}
