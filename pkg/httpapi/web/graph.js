// Three small graphs with one time axis, drawn by uPlot: frame rate, frame age and viewers.

import { clock } from './format.js';

/* global uPlot */

const height = 92;
const series = [
  { field: 'fps', label: 'Frame rate', color: '--live', factor: 1, minRange: 2, format: (v) => v.toFixed(1) },
  { field: 'frame_age', label: 'Delay in camd', color: '--warning', factor: 1000, minRange: 10, format: (v) => `${Math.round(v)} ms` },
  { field: 'viewers', label: 'Viewers', color: '--link', factor: 1, minRange: 1, format: (v) => String(v) },
];

const timeSteps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600]; // seconds between two texts on the axis

// timeTexts returns the texts on the time axis: hours and minutes, and seconds if the steps are shorter than a minute.
export const timeTexts = (_, times) => {
  const length = times.some((time) => time % 60) ? 'hh:mm:ss'.length : 'hh:mm'.length;
  return times.map((time) => clock(new Date(1000 * time)).slice(0, length));
};

// color returns the value of a CSS variable. The browser resolves light-dark() only in use.
function color(name) {
  const probe = document.createElement('i');
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

export class Graph {
  // summary is an element for a text with the same values, for screen readers.
  constructor(element, summary) {
    this.element = element;
    this.summary = summary;
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
    this.plots = series.map((plotted, i) => {
      const label = document.createElement('p');
      this.element.append(label);
      const plot = new uPlot(this.options(plotted, label, i === series.length - 1), [[], []], this.element);
      return { plot, label, plotted };
    });
    this.show(this.samples);
  }

  show(samples) {
    this.samples = samples;
    const times = samples.map(({ time }) => Date.parse(time) / 1000);
    const texts = this.plots.map(({ plot, label, plotted }) => {
      const values = samples.map((sample) => (sample[plotted.field] === null ? null : sample[plotted.field] * plotted.factor));
      plot.setData([times, values]);
      this.showValue(plot, label, plotted);
      const known = values.filter((v) => v !== null);
      if (!known.length) return `${plotted.label}: no data`;
      return `${plotted.label}: now ${plotted.format(known.at(-1))}, from ${plotted.format(Math.min(...known))} to ${plotted.format(Math.max(...known))}`;
    });
    this.summary.textContent = texts.join('. ');
  }

  // showValue shows the value below the pointer. Without a pointer it shows the newest value.
  showValue(plot, label, plotted) {
    const [times, values] = plot.data;
    const i = plot.cursor.idx ?? values.length - 1;
    const value = values[i];
    const then = plot.cursor.idx === null || plot.cursor.idx === undefined ? '' : ` at ${clock(new Date(1000 * times[i]))}`;
    label.textContent = `${plotted.label}: ${value === null || value === undefined ? 'no data' : plotted.format(value)}${then}`;
  }

  options(plotted, label, last) {
    const muted = color('--muted');
    const grid = { stroke: color('--border'), width: 1 };
    return {
      width: this.element.clientWidth, height: height + (last ? 20 : 0), padding: [6, 30, 4, 0],
      legend: { show: false },
      cursor: { sync: { key: 'camera' }, points: { size: 5 }, drag: { x: false, y: false } },
      hooks: { setCursor: [(plot) => this.showValue(plot, label, plotted)] },
      scales: { y: { range: (plot, low, high) => [0, Math.max(high * 1.15, plotted.minRange)] } },
      axes: [
        { show: last, stroke: muted, grid, ticks: grid, size: 26, space: 90, incrs: timeSteps, values: timeTexts },
        { stroke: muted, grid, ticks: grid, size: 44, space: 26, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 1e5, 1e6] },
      ],
      series: [{}, { stroke: color(plotted.color), width: 1.5, points: { show: false } }],
    };
  }
}
