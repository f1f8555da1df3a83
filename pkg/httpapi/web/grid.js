// The layout of the grid: the size of tiles that fill the screen.

const minTileWidth = 150; // a tile's width in pixels; the page scrolls if tiles would be narrower
const phoneWidth = 600; // pixels; a narrower grid has one column unless the user chose more
const minPortraitWidth = 240; // a tile's width on a screen that is higher than wide

// isPhone reports whether a grid is as narrow as a phone.
export const isPhone = (width) => width < phoneWidth;

// fillWidth lays out the same groups as fitTiles so that the tiles take the whole width. The page scrolls if there are too many. Without
// columns it uses the fewest columns with which all tiles fit.
export function fillWidth(groups, aspectRatio, { bar, gap, width, height, heading = 0, columns = 0 }) {
  const tileWidth = (c) => Math.floor((width - gap * (c + 1)) / c);
  const fits = (c) => {
    const rows = groups.reduce((sum, n) => sum + Math.ceil(n / c), 0);
    return rows * (tileWidth(c) / aspectRatio + bar + gap) + groups.length * (heading && heading + gap) + gap <= height;
  };
  const most = isPhone(width) ? 1 : Math.floor(width / minPortraitWidth);
  let c = columns || 1;
  while (!columns && c < most && !fits(c)) c++;
  return { columns: c, width: tileWidth(c) };
}

// fitTiles returns the number of columns and the width of a tile with which all tiles fit on a screen. groups has the number of tiles of
// each group. Each tile has the aspect ratio (width by height), a bar below it and a gap around it. Each group has a heading above it.
// Lengths are in pixels. columns sets the number of columns; 0 leaves it free.
export function fitTiles(groups, aspectRatio, { bar, gap, width, height, heading = 0, columns = 0 }) {
  let best = { columns: 1, width: 0 };
  for (let c = columns || 1; c <= (columns || Math.max(1, ...groups)); c++) {
    const rows = groups.reduce((sum, n) => sum + Math.ceil(n / c), 0);
    const byWidth = (width - gap * (c + 1)) / c;
    const byHeight = ((height - groups.length * (heading && heading + gap) - gap * (rows + 1)) / rows - bar) * aspectRatio;
    const w = Math.floor(Math.min(byWidth, byHeight));
    if (w > best.width) best = { columns: c, width: w };
  }
  if (best.width >= Math.min(minTileWidth, width - 2 * gap)) return best;
  // Too many for one screen.
  const c = columns || Math.max(1, Math.floor((width - gap) / (minTileWidth + gap)));
  return { columns: c, width: Math.floor((width - gap * (c + 1)) / c) };
}

// commonAspectRatio returns the most frequent aspect ratio of the cameras.
export function commonAspectRatio(cameras) {
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

// indexBelow returns the index of the nearest rectangle below another, or above it if down is -1. It returns -1 without such a rectangle.
// The index cannot be computed, because the last row of a group may not be full.
export function indexBelow(rects, from, down) {
  let best = -1;
  const distance = ({ left, top }) => Math.abs(top - rects[from].top) * 1000 + Math.abs(left - rects[from].left);
  rects.forEach((rect, i) => {
    if ((rect.top - rects[from].top) * down > 1 && (best < 0 || distance(rect) < distance(rects[best]))) best = i;
  });
  return best;
}
