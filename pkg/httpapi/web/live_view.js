// The live picture of one camera at one place of a page: a tile, the single view or the page of the camera. It detects when pictures stop.

import { secondsSince } from './api.js';
import { PictureDisplay } from './picture_display.js';

const minTimeout = 3; // seconds; for a slow camera, the time of three pictures
const slowLinkRate = 1; // JPEGs a second that camd sends over a slow connection

export class LiveView {
  // onPicture is called after each picture that is on the screen.
  constructor(container, onPicture = () => {}) {
    this.element = container;
    this.display = new PictureDisplay(container);
    this.onPicture = onPicture;
    this.isTurnedOff = false;
    this.clear();
  }

  // setStream is called by the wall's client when the frames of a new stream follow. The picture stays until the stream has one.
  setStream(stream, player) {
    this.stream = stream;
    this.player = player;
    this.resetCounts();
  }

  // endStream is called by the wall's client when the player is closed. The picture stays.
  endStream() {
    this.stream = null;
    this.player = null;
  }

  // countFrame counts a frame that has arrived, also one that is not shown.
  countFrame({ seq, data }) {
    const { counts } = this;
    if (counts.last !== null && seq > counts.last) counts.dropped += seq - counts.last - 1;
    counts.last = seq;
    counts.bytes += data.length;
  }

  // showPicture is called by the wall's client when a picture of the stream is on the screen: {taken, placeholder}. taken is in
  // milliseconds since 1970.
  showPicture({ taken, placeholder }) {
    this.picture = { taken, placeholder, track: this.stream?.track ?? '' };
    this.receivedAt = Date.now();
    this.counts.pictures++;
    this.refusedReason = '';
    this.showAttributes();
    this.onPicture(this);
  }

  // clear removes the picture and forgets the stream.
  clear() {
    this.display.clear();
    this.stream = null;
    this.player = null;
    this.picture = null; // {taken, placeholder, track} of the newest picture
    this.receivedAt = Date.now(); // or when waiting for the first one began
    this.refusedReason = ''; // why camd refuses the pictures
    this.resetCounts();
    this.showAttributes();
  }

  // turnOff hides the picture of a camera that is turned off, at once and until the camera is turned on. Placeholders are shown. If nothing
  // plays here, camd sends no request to remove the picture.
  turnOff(isTurnedOff) {
    this.isTurnedOff = isTurnedOff;
    if (this.isHidden && this.picture && !this.player) this.clear();
    else this.showAttributes();
  }

  // copyFrom shows the picture of another view until a picture arrives.
  copyFrom(other) {
    if (!other.picture || other.isHidden) return;
    this.clear();
    this.display.copyFrom(other.display);
    this.picture = other.picture;
    this.receivedAt = other.receivedAt;
    this.showAttributes();
  }

  // restartTimeout starts the wait for a picture again, after a time without a subscription.
  restartTimeout() { this.receivedAt = Date.now(); }

  // isHidden reports whether there is a picture, but nobody may see it.
  get isHidden() { return this.isTurnedOff && !this.picture?.placeholder; }

  // age is the picture's age in seconds; null for a placeholder.
  get age() { return this.picture && !this.picture.placeholder && !this.isHidden ? secondsSince(this.picture.taken) : null; }

  // silentSeconds returns the seconds without a new picture if one is overdue, so that the shown picture is not live. Otherwise it returns 0.
  silentSeconds(camera) {
    const silence = (Date.now() - this.receivedAt) / 1000;
    const expected = camera.state !== 'idle';
    const rates = [camera.format.fps, ...this.streamRates(camera)];
    const rate = Math.min(...rates.filter((fps) => fps > 0)); // infinite if none is known
    return expected && silence > Math.max(minTimeout, 3 / rate) ? silence : 0;
  }

  // streamRates returns the frame rates that limit the rate of the stream.
  streamRates(camera) {
    const track = this.picture?.track;
    const isNamed = ({ name }) => name === track;
    const rates = [camera.renditions.find(isNamed)?.fps, camera.tracks.find(isNamed)?.fps];
    if (this.stream?.codec === 'jpeg' && this.stream.reason === 'link') rates.push(slowLinkRate);
    return rates;
  }

  resetCounts() {
    this.counts = { last: null, dropped: 0, bytes: 0, pictures: 0 }; // of the stream; last is the number of its last frame
  }

  showAttributes() {
    const { element, picture } = this;
    const set = (name, value) => {
      if (element.dataset[name] === value) return; // as for most pictures
      if (value) element.dataset[name] = value;
      else delete element.dataset[name];
    };
    set('track', picture?.track);
    set('player', picture && this.player?.details.player);
    element.toggleAttribute('data-placeholder', picture?.placeholder ?? false);
    element.toggleAttribute('data-hidden', this.isHidden);
  }
}
