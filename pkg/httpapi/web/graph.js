// Three small graphs with one time axis, drawn by uPlot: pictures a second, how old they are, and who watches.

/* global uPlot */

const height = 92;
const lines = [
  { field: 'fps', label: 'fps', colour: '--live', say: (v) => v.toFixed(1) },
  { field: 'frame_age', label: 'age of pictures', colour: '--wait', say: (v) => `${Math.round(1000 * v)} ms`, axis: (v) => `${Math.round(1000 * v)}` },
  { field: 'viewers', label: 'viewers', colour: '--link', say: (v) => String(v) },
];

const colour = (name) => {
  // light-dark() is worked out only where a colour is used.
  const probe = document.createElement('i');
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
};

export class Graph {
  constructor(element, words) {
    this.element = element;
    this.words = words;
    this.draw([]);
    new ResizeObserver(() => {
      for (const plot of this.plots) plot.setSize({ width: element.clientWidth, height: plot.height });
    }).observe(element);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw(this.samples));
  }

  draw(samples) {
    this.plots?.forEach((plot) => plot.destroy());
    this.plots = lines.map((line, i) => new uPlot(this.options(line, i === lines.length - 1), this.data(samples, line.field), this.element));
    this.show(samples);
  }

  show(samples) {
    this.samples = samples;
    this.plots.forEach((plot, i) => plot.setData(this.data(samples, lines[i].field)));
    this.words.textContent = lines.map(({ field, label, say }) => {
      const values = samples.map((sample) => sample[field]).filter((v) => v !== null);
      return values.length ? `${label}: ${say(values.at(-1))} now, ${say(Math.min(...values))} to ${say(Math.max(...values))}` : `${label}: none yet`;
    }).join('; ');
  }

  data(samples, field) { return [samples.map(({ time }) => Date.parse(time) / 1000), samples.map((sample) => sample[field])]; }

  options({ label, colour: name, say, axis }, last) {
    const faint = colour('--faint');
    const grid = { stroke: colour('--line'), width: 1 };
    return {
      width: this.element.clientWidth, height: height + (last ? 24 : 0),
      cursor: { sync: { key: 'camera' }, points: { size: 5 }, drag: { x: false, y: false } },
      legend: { live: true },
      scales: { x: { time: true }, y: { range: (u, low, high) => [0, Math.max(high * 1.15, 0.001) || 1] } },
      axes: [
        { show: last, stroke: faint, grid, ticks: grid, size: 28 },
        { stroke: faint, grid, ticks: grid, size: 44, space: 26, values: (u, values) => values.map(axis ?? ((v) => (Number.isInteger(v) ? v : v.toFixed(1)))) },
      ],
      series: [
        { value: (u, v) => (v === null ? '' : new Date(1000 * v).toLocaleTimeString()) },
        { label, stroke: colour(name), width: 1.5, spanGaps: false, points: { show: false }, value: (u, v) => (v === null || v === undefined ? '–' : say(v)) },
      ],
    };
  }
}
