// The panel with details of the stream that a live view shows: what is sent, how it is decoded, and how it arrives.

import { bitRate, seconds } from './format.js';
import { codecText, reasonText, streamTitle } from './stream_texts.js';
import { fillList } from './description_list.js';

const updatePeriod = 1000; // ms
const measuredPeriod = 5000; // ms over which rates are measured

export class StreamDetails {
  // button opens and closes the panel. getCamera returns the camera of the live view, or null.
  constructor(panel, button, liveView, getCamera) {
    this.panel = panel;
    this.button = button;
    this.liveView = liveView;
    this.getCamera = getCamera;
    this.samples = []; // of the counts of the stream, oldest first
    button.setAttribute('aria-expanded', 'false');
  }

  toggle() {
    if (this.panel.hidden) this.open();
    else this.close();
  }

  open() {
    this.samples = [];
    this.timer = setInterval(() => this.update(), updatePeriod);
    this.setOpen(true);
    this.update();
  }

  close() {
    clearInterval(this.timer);
    this.setOpen(false);
  }

  setOpen(isOpen) {
    this.panel.hidden = !isOpen;
    this.button.setAttribute('aria-expanded', String(isOpen));
  }

  update() {
    const camera = this.getCamera();
    if (!camera || document.hidden) return;
    const rows = this.liveView.stream ? this.rows(camera) : [['Track', 'Waiting for a picture']];
    fillList(this.panel.querySelector('dl'), rows);
  }

  rows(camera) {
    const { liveView } = this;
    const { stream, player, age, counts } = liveView;
    const { pictureRate, bitsPerSecond } = this.measure();
    return [
      ['Track', streamTitle(stream)],
      ['Codec', codecText(stream.codec)],
      ['Size', sizeText(liveView)],
      ['Decoder', [player?.details.player, player?.details.decoder].filter(Boolean).join(', ')],
      ['Decoder problem', player?.details.problem],
      ['Bit rate', bitsPerSecond === null ? '' : bitRate(bitsPerSecond)],
      ['Frame rate', pictureRate === null ? '' : `${pictureRate.toFixed(1)} fps`],
      ['Picture age', age === null ? '' : seconds(age)],
      ['Dropped frames', counts.dropped],
      ['Reason', reasonText(camera, stream) || 'Best track for this view'],
    ];
  }

  // measure returns the rates of the last seconds. They are null until there are two samples of the stream.
  measure() {
    const { stream, counts } = this.liveView;
    const now = { at: performance.now(), stream, ...counts };
    this.samples = [...this.samples.filter((sample) => sample.stream === stream && now.at - sample.at <= measuredPeriod), now];
    const [first] = this.samples;
    if (first === now) return { pictureRate: null, bitsPerSecond: null };
    const elapsed = (now.at - first.at) / 1000;
    return { pictureRate: (now.pictures - first.pictures) / elapsed, bitsPerSecond: (8 * (now.bytes - first.bytes)) / elapsed };
  }
}

// sizeText returns the size of the pictures. JPEGs have theirs in themselves.
function sizeText({ stream, display: { shown } }) {
  const width = stream.width || (shown?.videoWidth ?? shown?.width);
  const height = stream.height || (shown?.videoHeight ?? shown?.height);
  return width ? `${width} × ${height}` : '';
}
