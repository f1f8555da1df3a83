// What the tests of the player with Media Source Extensions add to player_page.js, or replace in it.
Object.assign(playerPage, {
  async openMSE(stream) {
    const { MSEPlayer } = await import('/assets/mse_player.js');
    this.display ??= await this.makeDisplay();
    const { taken, pictures, failed } = Object.assign(this, { taken: [], pictures: [], failed: [], ages: [], written: {} });
    this.player = new MSEPlayer({ ...stream, init: this.bytes(stream.init) }, this.display, {
      onTaken: (seq) => taken.push(seq),
      onPicture: (picture) => {
        this.ages.push(performance.now() - this.written[picture.seq]);
        const copy = this.copyOf(this.display.shown);
        pictures.push({ ...picture, bits: this.readStrip(copy), size: `${copy.width}x${copy.height}` });
      },
      onFailed: (message) => failed.push(message),
    });
    return '';
  },

  // copyOf returns a canvas with the picture of a video or a canvas.
  copyOf(element) {
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [element.videoWidth ?? element.width, element.videoHeight ?? element.height];
    canvas.getContext('2d').drawImage(element, 0, 0);
    return canvas;
  },

  async writeInTurn(frames) {
    for (const frame of frames) {
      this.write([frame]);
      await this.until(() => this.failed.length > 0 || this.pictures.at(-1)?.seq === frame.seq);
    }
    return '';
  },

  // writeAtRate writes a frame every 40 ms, and the frames of a catch-up at once.
  async writeAtRate(frames) {
    let due = performance.now();
    for (const frame of frames) {
      await this.until(() => frame.catchUp || performance.now() >= due);
      if (!frame.catchUp) due += 40;
      this.written[frame.seq] = performance.now();
      this.write([frame]);
    }
    return '';
  },

  agesText() { return JSON.stringify(this.ages); },

  // untilStopped waits until the video has played all that it has.
  untilStopped() { return this.until(() => this.display.video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA); },
});
