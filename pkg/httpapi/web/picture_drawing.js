// Draws decoded pictures on the canvases of a worker, at most one for each canvas in an animation frame. A picture is drawn at once if it
// can be. If more pictures come in the same animation frame, the newest of them is drawn with the next one.

export class PictureDrawing {
  constructor() {
    this.canvases = new Map(); // id to {canvas, context, owner, isDrawn, pending}
    this.isWaiting = false; // for an animation frame
  }

  // add takes over a canvas.
  add(id, canvas) {
    // owner is the number of the newest player that has drawn; pending has the newest picture that is not drawn yet.
    this.canvases.set(id, { canvas, context: canvas.getContext('2d', { alpha: false }), owner: 0, isDrawn: false, pending: null });
  }

  remove(id) {
    this.canvases.get(id)?.pending?.frame.close();
    this.canvases.delete(id);
  }

  // blank removes the picture of a player from a canvas. A newer player may have drawn there since.
  blank(id, player) {
    const target = this.canvases.get(id);
    if (target?.owner === player) target.canvas.width = target.canvas.height = 1;
  }

  // draw draws a VideoFrame for a player and closes it. onDrawn is called when it is drawn. A player with a higher number replaces the
  // pictures of those before it.
  draw(id, player, frame, onDrawn) {
    const target = this.canvases.get(id);
    if (!target || player < target.owner) {
      frame.close();
      return;
    }
    target.pending?.frame.close();
    target.pending = { player, frame, onDrawn };
    if (!target.isDrawn) this.drawPending(target);
  }

  // forget drops the pictures of a player that are not drawn yet.
  forget(player) {
    for (const target of this.canvases.values()) {
      if (target.pending?.player !== player) continue;
      target.pending.frame.close();
      target.pending = null;
    }
  }

  drawPending(target) {
    const { player, frame, onDrawn } = target.pending;
    const { canvas, context } = target;
    target.pending = null;
    target.owner = player;
    target.isDrawn = true;
    this.waitForAnimationFrame();
    try {
      if (canvas.width !== frame.displayWidth || canvas.height !== frame.displayHeight) {
        canvas.width = frame.displayWidth;
        canvas.height = frame.displayHeight;
      }
      context.drawImage(frame, 0, 0, canvas.width, canvas.height);
    } finally {
      frame.close();
    }
    onDrawn();
  }

  waitForAnimationFrame() {
    if (this.isWaiting) return;
    this.isWaiting = true;
    requestAnimationFrame(() => {
      this.isWaiting = false;
      for (const target of this.canvases.values()) {
        target.isDrawn = false;
        if (target.pending) this.drawPending(target);
      }
    });
  }
}
