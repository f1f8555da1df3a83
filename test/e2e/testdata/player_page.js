// The page of the tests of players: it gives frames to a player and reads the numbers of the pictures that are on the screen.
globalThis.playerPage = {
  bits: '0'.repeat(40), // of the picture that was read last; black without one

  async open(kind, stream) {
    this.close();
    this.display ??= await this.makeDisplay();
    const { taken, pictures, failed } = Object.assign(this, { taken: [], pictures: [], failed: [] });
    const module = await import({ WebCodecs: '/assets/webcodecs_player.js', JPEG: '/assets/jpeg_player.js' }[kind]);
    this.player = new module[`${kind}Player`]({ ...stream, init: this.bytes(stream.init) }, this.display, {
      onTaken: (seq) => taken.push(seq),
      onPicture: (picture) => pictures.push(picture),
      onFailed: (message) => failed.push(message),
    });
    return '';
  },

  close() {
    this.player?.close();
    return '';
  },

  async makeDisplay() {
    const { PictureDisplay } = await import('/assets/picture_display.js');
    const container = document.createElement('div');
    document.body.append(container);
    return new PictureDisplay(container);
  },

  bytes(base64) { return Uint8Array.from(atob(base64 ?? ''), (c) => c.charCodeAt(0)); },

  write(frames) {
    for (const frame of frames) this.player.write({ ...frame, data: this.bytes(frame.data) });
    return '';
  },

  // writeInTurn writes frames, each when the picture of the one before is on the screen.
  async writeInTurn(frames) {
    for (const { seq, ...frame } of frames) {
      this.write([{ seq, ...frame }]);
      await this.until(() => this.failed.length > 0 || this.pictures.at(-1)?.seq === seq);
      await this.read();
    }
    return '';
  },

  // read adds to the newest picture what is on the screen. The page sees what a worker has drawn a little later, so it waits until the
  // number changes.
  async read() {
    const picture = this.pictures.at(-1);
    if (!picture) return '';
    const { shown } = this.display;
    await this.until(() => this.readStrip(shown) !== this.bits);
    this.bits = this.readStrip(shown);
    Object.assign(picture, { bits: this.bits, size: `${shown.width}x${shown.height}` });
    return '';
  },

  // shows reports whether the picture on the screen has a number.
  shows(number) { return this.display.shown && Number.parseInt(this.readStrip(this.display.shown).slice(0, 32), 2) === number; },

  // readStrip returns the bits of the strip of package framenumber.
  readStrip(element) {
    this.reader ??= document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const { canvas } = this.reader;
    [canvas.width, canvas.height] = [element.width, element.height];
    this.reader.drawImage(element, 0, 0);
    const y = Math.floor(canvas.height - canvas.height / 32);
    const row = this.reader.getImageData(0, y, canvas.width, 1).data;
    return Array.from({ length: 40 }, (_, i) => (row[4 * Math.floor((i + 0.5) * canvas.width / 40)] >= 128 ? 1 : 0)).join('');
  },

  result() {
    const { taken, pictures, failed } = this;
    return JSON.stringify({ taken, pictures, failed, details: this.player.details });
  },

  // until waits until a condition is true.
  async until(condition) {
    while (!await condition()) await new Promise((resolve) => { setTimeout(resolve, 5); });
    return '';
  },

  // replaceDecoder makes workers of this page run a script before their own.
  replaceDecoder(script) {
    const Original = Worker;
    const address = (source) => URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
    const before = address(script);
    globalThis.Worker = function (url, options) {
      globalThis.worker = new Original(address(`import '${before}'; import '${url}';`), options);
      return globalThis.worker;
    };
    return '';
  },

  // ask sends a message to the script of replaceDecoder and returns its answer as JSON.
  ask(type) {
    return new Promise((resolve) => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = ({ data }) => resolve(JSON.stringify(data));
      globalThis.worker.postMessage({ type, port: port2 }, [port2]);
    });
  },
};
