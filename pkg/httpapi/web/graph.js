// Three small graphs with one time axis, drawn by uPlot: pictures a second, how old they are, and who watches.

/* global uPlot */

const height = 92;
const lines = [
  { field: 'fps', label: 'Pictures a second', colour: '--live', factor: 1, least: 2, say: (v) => v.toFixed(1) },
  { field: 'frame_age', label: 'Age of pictures when sent', colour: '--wait', factor: 1000, least: 10, say: (v) => `${Math.round(v)} ms` },
  { field: 'viewers', label: 'Viewers', colour: '--link', factor: 1, least: 1, say: (v) => String(v) },
];

// colour works out what a name stands for: light-dark() is resolved only where it is used.
function colour(name) {
  const probe = document.createElement('i');
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

export class Graph {
  // words is an element for what the graphs say, for those who do not see them.
  constructor(element, words) {
    this.element = element;
    this.words = words;
    this.samples = [];
    this.draw();
    new ResizeObserver(() => {
      for (const { plot } of this.plots) plot.setSize({ width: element.clientWidth, height: plot.height });
    }).observe(element);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw());
  }

  draw() {
    this.plots?.forEach(({ plot }) => plot.destroy());
    this.element.replaceChildren();
    this.plots = lines.map((line, i) => {
      const label = document.createElement('p');
      this.element.append(label);
      const plot = new uPlot(this.options(line, label, i === lines.length - 1), [[], []], this.element);
      return { plot, label, line };
    });
    this.show(this.samples);
  }

  show(samples) {
    this.samples = samples;
    const times = samples.map(({ time }) => Date.parse(time) / 1000);
    const told = this.plots.map(({ plot, label, line }) => {
      const values = samples.map((sample) => (sample[line.field] === null ? null : sample[line.field] * line.factor));
      plot.setData([times, values]);
      this.tell(plot, label, line);
      const known = values.filter((v) => v !== null);
      if (!known.length) return `${line.label}: none yet`;
      return `${line.label}: ${line.say(known.at(-1))} last, ${line.say(Math.min(...known))} to ${line.say(Math.max(...known))}`;
    });
    this.words.textContent = told.join('. ');
  }

  // tell says the value below the pointer, or else the newest.
  tell(plot, label, line) {
    const [times, values] = plot.data;
    const i = plot.cursor.idx ?? values.length - 1;
    const value = values[i];
    const then = plot.cursor.idx === null || plot.cursor.idx === undefined ? '' : ` at ${new Date(1000 * times[i]).toLocaleTimeString()}`;
    label.textContent = `${line.label}: ${value === null || value === undefined ? 'none' : line.say(value)}${then}`;
  }

  options(line, label, last) {
    const faint = colour('--faint');
    const grid = { stroke: colour('--line'), width: 1 };
    return {
      width: this.element.clientWidth, height: height + (last ? 20 : 0), padding: [6, 14, 4, 0],
      legend: { show: false },
      cursor: { sync: { key: 'camera' }, points: { size: 5 }, drag: { x: false, y: false } },
      hooks: { setCursor: [(plot) => this.tell(plot, label, line)] },
      scales: { y: { range: (plot, low, high) => [0, Math.max(high * 1.15, line.least)] } },
      axes: [
        { show: last, stroke: faint, grid, ticks: grid, size: 26 },
        { stroke: faint, grid, ticks: grid, size: 44, space: 26, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 1e5, 1e6] },
      ],
      series: [{}, { stroke: colour(line.colour), width: 1.5, points: { show: false } }],
    };
  }
}
