// What tests read from a page of camd. It is installed before the page's own scripts run.
// A view is given by the selector of an element that contains it, such as '.tile[data-camera=gate]' or '#single-view'.

globalThis.probe = (() => {
  const cells = 40; // package framenumber
  const messages = []; // text messages of walls, without the init segments
  const decodes = [];  // what the page has said it can decode
  let received = 0;    // bytes of frames
  // Firefox stops a page for ten seconds, again and again, if the page reads the canvas of a worker in each animation frame.
  const readPeriod = navigator.userAgent.includes('Firefox') ? 150 : 0; // ms
  const reader = () => document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  let strip = null;

  const Original = WebSocket;
  globalThis.WebSocket = class extends Original {
    constructor(...args) {
      super(...args);
      this.addEventListener('message', ({ data }) => {
        if (typeof data === 'string') messages.push({ at: Math.round(performance.timeOrigin + performance.now()), ...JSON.parse(data), init: undefined });
        else received += data.byteLength ?? data.size;
      });
    }

    send(data) {
      if (typeof data === 'string' && data.includes('"hello"')) decodes.push(...(JSON.parse(data).decodes ?? []));
      super.send(data);
    }
  };

  const shown = (view) => document.querySelector(view)?.querySelector('[data-shown]');

  function checksum(number) {
    let crc = 0xA5;
    for (const shift of [24, 16, 8, 0]) {
      crc ^= number >>> shift & 0xFF;
      for (let n = 0; n < 8; n++) crc = (crc << 1 ^ (crc & 0x80 ? 7 : 0)) & 0xFF;
    }
    return crc;
  }

  // readNumber returns the number in the strip of an element's picture, or null.
  function readNumber(element) {
    const width = element?.videoWidth ?? element?.width ?? 0, height = element?.videoHeight ?? element?.height ?? 0;
    if (width < 80 || height < 48) return null;
    const rows = Math.floor(height / 16);
    strip ??= reader();
    if (strip.canvas.width !== width || strip.canvas.height !== rows) Object.assign(strip.canvas, { width, height: rows });
    else strip.clearRect(0, 0, width, rows);
    strip.drawImage(element, 0, height - rows, width, rows, 0, 0, width, rows);
    const { data } = strip.getImageData(0, 0, width, rows);
    let bits = 0n;
    for (let i = 0; i < cells; i++) {
      const left = Math.floor(i * width / cells), right = Math.floor((i + 1) * width / cells);
      const inset = Math.floor(Math.min(right - left, rows) / 4);
      let sum = 0, n = 0;
      for (let y = inset; y < rows - inset; y++) {
        for (let x = left + inset; x < right - inset; x++, n++) sum += data[4 * (y * width + x) + 1];
      }
      bits = bits << 1n | (sum / n >= 128 ? 1n : 0n);
    }
    const number = Number(bits >> 8n);
    return Number(bits & 0xFFn) === checksum(number) ? number : null;
  }

  const size = (view) => {
    const element = shown(view);
    return element ? `${element.videoWidth ?? element.width}x${element.videoHeight ?? element.height}` : '';
  };

  // visibleNumbers returns the numbers of all pictures that a user can see, or could see behind others, without tiles of other cameras.
  const visibleNumbers = camera => [...document.querySelectorAll('canvas, video')]
    .filter(element => [undefined, camera].includes(element.closest('.tile')?.dataset.camera))
    .filter(element => element.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
    .map(readNumber).filter(number => number !== null).join();

  // sample reads a view in each animation frame. samples has [time in ms since 1970, number] for each new number, and damaged counts
  // pictures of the view without a readable number.
  const sampled = { samples: [], damaged: 0, running: false };
  function sample(view) {
    Object.assign(sampled, { samples: [], damaged: 0, running: true });
    let next = 0;
    const step = () => {
      if (!sampled.running) return;
      requestAnimationFrame(step);
      const at = performance.timeOrigin + performance.now();
      if (at < next) return;
      next = at + readPeriod;
      const number = readNumber(shown(view));
      if (number === null) sampled.damaged++;
      else if (number !== sampled.samples.at(-1)?.[1]) sampled.samples.push([at, number]);
    };
    requestAnimationFrame(step);
    return '';
  }

  // samplesReached waits for a number of samples.
  const samplesReached = count => new Promise((resolve) => {
    const step = () => {
      if (sampled.samples.length >= count) resolve('yes');
      else setTimeout(step, 50);
    };
    step();
  });

  // number returns the number of a view's picture.
  const last = { view: '', at: -Infinity, text: '' };
  function number(view) {
    const now = performance.now();
    if (last.view !== view || now - last.at > Math.max(readPeriod, 30)) Object.assign(last, { view, at: now, text: String(readNumber(shown(view)) ?? '') });
    return last.text;
  }

  // measureOpening presses a key, and returns the milliseconds until a view shows a picture of a size.
  const measureOpening = (key, view, wanted) => new Promise((resolve) => {
    const begin = performance.now();
    document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
    const step = () => {
      if (size(view) === wanted) resolve(String(performance.now() - begin));
      else requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  });

  return {
    sample,
    samplesReached,
    measureOpening,
    sampled: () => JSON.stringify(sampled),
    endSample: () => { sampled.running = false; return JSON.stringify(sampled); },
    number,
    size,
    visibleNumbers,
    track: view => (({ track, player }) => `${track ?? ''} ${player ?? ''}`)(document.querySelector(view)?.querySelector('[data-track]')?.dataset ?? {}),
    messages, // of walls
    decodes,
    // stream returns the newest stream of a camera.
    stream: camera => messages.findLast(m => m.type === 'stream' && m.camera === camera),
    received: () => String(received),
  };
})();
