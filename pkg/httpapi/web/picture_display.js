// The elements that show the pictures of one view: a canvas that the page draws, a canvas that a worker draws, and a video. One of them
// is shown at a time. CSS lays them over each other, so that each fills the container.

let workerCanvases = 0; // transferred to workers so far

export class PictureDisplay {
  // The container has the role img and a name, so its elements are hidden from assistive technology.
  constructor(container) {
    this.container = container;
    this.elements = {}; // canvas, worker and video; each is made when it is first needed
    this.shown = null; // the element with the picture; null without one
    this.workerCanvasId = 0;
  }

  // drawBitmap draws an ImageBitmap on the page's canvas, and shows it.
  drawBitmap(bitmap) {
    this.draw(bitmap, bitmap.width, bitmap.height);
  }

  // drawFrame draws a VideoFrame on the page's canvas, and shows it.
  drawFrame(frame) {
    this.draw(frame, frame.displayWidth, frame.displayHeight);
  }

  // workerCanvas returns the element that a worker draws, a number by which the worker finds it later, and the canvas for the worker. The
  // control of a canvas can be transferred only once, so canvas is null until clear has replaced the element.
  workerCanvas() {
    if (this.elements.worker) return { element: this.elements.worker, canvas: null, id: this.workerCanvasId };
    const element = this.element('worker');
    this.workerCanvasId = ++workerCanvases;
    return { element, canvas: element.transferControlToOffscreen(), id: this.workerCanvasId };
  }

  // video is the element for Media Source Extensions. It is never hidden, only covered: browsers present fewer frames of a hidden video.
  get video() { return this.element('video'); }

  // showsWorker reports whether the picture is on the canvas of the worker.
  get showsWorker() { return this.shown !== null && this.shown === this.elements.worker; }

  // show makes an element the visible one. Players call it when their first picture is painted.
  show(kind) {
    this.shown = this.element(kind);
    if (kind !== 'canvas') this.forgetPixels();
    for (const element of Object.values(this.elements)) {
      if (element !== this.elements.video) element.hidden = element !== this.shown;
      element.toggleAttribute('data-shown', element === this.shown);
    }
  }

  // clear removes the picture. The players that draw on this display have ended, or change to other pictures.
  clear() {
    const { canvas, worker, video } = this.elements;
    this.forgetPixels();
    if (canvas) canvas.hidden = true;
    worker?.remove(); // while the page is hidden, its picture stays although the worker empties the canvas
    delete this.elements.worker;
    if (video?.hasAttribute('src')) {
      video.removeAttribute('src');
      video.load();
    }
    for (const element of Object.values(this.elements)) element.removeAttribute('data-shown');
    this.shown = null;
  }

  // copyFrom draws the picture of another display on the page's canvas.
  copyFrom(other) {
    const element = other.shown;
    if (!element) return;
    this.draw(element, element.videoWidth ?? element.width, element.videoHeight ?? element.height);
  }

  // keepPicture copies the shown picture to the page's canvas, before its player ends or another one uses the shown element.
  keepPicture() {
    if (this.shown && this.shown !== this.elements.canvas) this.copyFrom(this);
  }

  // forgetPixels empties the page's canvas.
  forgetPixels() {
    const { canvas } = this.elements;
    if (canvas) canvas.width = canvas.height = 1;
  }

  draw(image, width, height) {
    if (!width || !height) return; // a video without a picture
    const canvas = this.element('canvas');
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    this.context ??= canvas.getContext('2d', { alpha: false });
    this.context.drawImage(image, 0, 0, width, height);
    if (this.shown !== canvas) this.show('canvas');
  }

  element(kind) {
    if (!this.elements[kind]) {
      const element = kind === 'video' ? makeVideo() : Object.assign(document.createElement('canvas'), { hidden: true });
      element.setAttribute('aria-hidden', 'true');
      this.elements[kind] = element;
      if (kind === 'video') this.container.prepend(element); // below the canvases
      else this.container.append(element);
    }
    return this.elements[kind];
  }
}

function makeVideo() {
  const video = document.createElement('video');
  // playsInline: otherwise a phone opens the video in full screen.
  return Object.assign(video, { muted: true, playsInline: true, disablePictureInPicture: true, disableRemotePlayback: true });
}
