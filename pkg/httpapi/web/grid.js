// How large tiles can be, so that they fill the screen.

const smallest = 150; // a tile's width, below which the page is scrolled rather

// fit lays out groups of so many tiles of a shape (width by height) on a screen, each tile with a bar below it and a gap around it,
// each group with a heading above it, and returns columns and a tile's width. All is in pixels; columns are free unless given.
export function fit(groups, shape, { bar, gap, width, height, heading = 0, columns = 0 }) {
  let best = { columns: 1, width: 0 };
  for (let c = columns || 1; c <= (columns || Math.max(1, ...groups)); c++) {
    const rows = groups.reduce((sum, n) => sum + Math.ceil(n / c), 0);
    const across = (width - gap * (c + 1)) / c;
    const down = ((height - groups.length * (heading && heading + gap) - gap * (rows + 1)) / rows - bar) * shape;
    const w = Math.floor(Math.min(across, down));
    if (w > best.width) best = { columns: c, width: w };
  }
  if (best.width >= Math.min(smallest, width - 2 * gap)) return best;
  // Too many for one screen.
  const c = columns || Math.max(1, Math.floor((width - gap) / (smallest + gap)));
  return { columns: c, width: Math.floor((width - gap * (c + 1)) / c) };
}

// shape is the one that most cameras have.
export function shapeOf(cameras) {
  const votes = new Map();
  let best = 16 / 9;
  for (const { format: { width, height } } of cameras) {
    if (!width || !height) continue;
    const ratio = Math.round((100 * width) / height) / 100;
    votes.set(ratio, (votes.get(ratio) ?? 0) + 1);
    if (votes.get(ratio) > (votes.get(best) ?? 0)) best = ratio;
  }
  return best;
}

// vertical returns the index of the box that lies below (or above, where down is -1) another, nearest to it; -1 if none does.
// Groups end in rows that are not full, so that counting does not find it.
export function vertical(boxes, from, down) {
  let best = -1;
  const distance = ({ left, top }) => Math.abs(top - boxes[from].top) * 1000 + Math.abs(left - boxes[from].left);
  boxes.forEach((box, i) => {
    if ((box.top - boxes[from].top) * down > 1 && (best < 0 || distance(box) < distance(boxes[best]))) best = i;
  });
  return best;
}
