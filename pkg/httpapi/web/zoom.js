// Digital zoom: wheel, two fingers, double click, keys. A picture larger than its frame can be dragged.

const maxScale = 8;

export class Zoom {
  // The element with the pictures fills the frame.
  constructor(frame, element) {
    this.frame = frame;
    this.element = element;
    this.pointers = new Map();
    frame.addEventListener('wheel', (event) => {
      event.preventDefault();
      this.scaleBy(Math.exp(-event.deltaY / 400), event);
    }, { passive: false });
    frame.addEventListener('dblclick', (event) => (this.scale > 1 ? this.reset() : this.scaleBy(2.5, event)));
    frame.addEventListener('pointerdown', (event) => {
      this.pointers.set(event.pointerId, event);
      frame.setPointerCapture(event.pointerId);
    });
    frame.addEventListener('pointermove', (event) => this.drag(event));
    for (const end of ['pointerup', 'pointercancel']) frame.addEventListener(end, (event) => this.pointers.delete(event.pointerId));
    new ResizeObserver(() => this.apply()).observe(frame);
    this.reset();
  }

  reset() {
    this.scale = 1;
    this.x = 0;
    this.y = 0;
    this.apply();
  }

  // scaleBy zooms by a factor around a point of the page (clientX, clientY), or around the middle.
  scaleBy(factor, point) {
    const frameRect = this.frame.getBoundingClientRect();
    const px = (point?.clientX ?? frameRect.x + frameRect.width / 2) - frameRect.x;
    const py = (point?.clientY ?? frameRect.y + frameRect.height / 2) - frameRect.y;
    const scale = Math.min(maxScale, Math.max(1, this.scale * factor));
    this.x = px - (px - this.x) * (scale / this.scale);
    this.y = py - (py - this.y) * (scale / this.scale);
    this.scale = scale;
    this.apply();
  }

  move(dx, dy) {
    this.x += dx;
    this.y += dy;
    this.apply();
  }

  drag(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    this.pointers.set(event.pointerId, event);
    const other = [...this.pointers.values()].find((pointer) => pointer !== event);
    if (!other) {
      this.move(event.clientX - before.clientX, event.clientY - before.clientY);
      return;
    }
    const distance = (a) => Math.hypot(a.clientX - other.clientX, a.clientY - other.clientY);
    const middle = { clientX: (event.clientX + other.clientX) / 2, clientY: (event.clientY + other.clientY) / 2 };
    this.scaleBy(distance(event) / Math.max(1, distance(before)), middle);
    this.move((event.clientX - before.clientX) / 2, (event.clientY - before.clientY) / 2);
  }

  // apply keeps the picture's edges outside the frame's.
  apply() {
    const { clientWidth: width, clientHeight: height } = this.frame;
    this.x = Math.min(0, Math.max(this.x, width * (1 - this.scale)));
    this.y = Math.min(0, Math.max(this.y, height * (1 - this.scale)));
    this.element.style.transform = this.scale > 1 ? `translate(${this.x}px, ${this.y}px) scale(${this.scale})` : '';
    this.frame.classList.toggle('zoomed', this.scale > 1);
  }
}
