// A canvas with the newest picture of one camera. It detects when pictures stop.

import { secondsSince } from './api.js';

const minTimeout = 3; // seconds; for a slow camera, the time of three pictures

export class LiveCanvas {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext('2d', { alpha: false });
    this.clear();
  }

  clear() {
    this.context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    this.picture = null; // {taken, placeholder, rendition} of the newest picture
    this.receivedAt = Date.now(); // or when waiting for the first one began
    delete this.canvas.dataset.rendition;
    this.canvas.removeAttribute('data-placeholder');
  }

  draw(bitmap, picture) {
    const { canvas } = this;
    if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
      canvas.width = bitmap.width;
      canvas.height = bitmap.height;
    }
    this.context.drawImage(bitmap, 0, 0);
    this.picture = picture;
    this.receivedAt = Date.now();
    canvas.dataset.rendition = picture.rendition;
    canvas.toggleAttribute('data-placeholder', picture.placeholder);
  }

  // hidePicture removes a picture of a camera that has been turned off.
  hidePicture() {
    if (this.picture && !this.picture.placeholder) this.clear();
  }

  // copyFrom shows the picture of another canvas until a picture arrives.
  copyFrom(other) {
    this.clear();
    if (other.picture) {
      this.draw(other.canvas, other.picture);
      this.receivedAt = other.receivedAt;
    }
  }

  // restartTimeout starts the wait for a picture again, after a time without a subscription.
  restartTimeout() { this.receivedAt = Date.now(); }

  // age is the picture's age in seconds; null for a placeholder.
  get age() { return this.picture && !this.picture.placeholder ? secondsSince(this.picture.taken) : null; }

  // silentSeconds returns the seconds without a new picture if one is overdue, so that the shown picture is not live. Otherwise it returns 0.
  silentSeconds(camera) {
    const silence = (Date.now() - this.receivedAt) / 1000;
    const expected = camera.state !== 'idle';
    const rates = [camera.format.fps, camera.renditions.find(({ name }) => name === this.canvas.dataset.rendition)?.fps];
    const rate = Math.min(...rates.filter((fps) => fps > 0)); // infinite if none is known
    return expected && silence > Math.max(minTimeout, 3 / rate) ? silence : 0;
  }
}
