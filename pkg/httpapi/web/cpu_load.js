// The share of a core that the processes of a camera use.

const minPeriod = 1; // seconds between two samples; a shorter time is too short to be exact

export class CPULoad {
  constructor() {
    this.samples = new Map(); // by the track of a decoder; empty for the capture process that reads the camera
  }

  // add takes a sample of a process. The load is known when there are two samples of one process.
  add(track, { pid, cpu_seconds: total }) {
    const sample = { pid, total, at: performance.now() / 1000, load: null };
    const before = this.samples.get(track);
    if (pid && before?.pid === pid && total >= before.total) {
      if (sample.at - before.at < minPeriod) return;
      sample.load = (total - before.total) / (sample.at - before.at);
    }
    this.samples.set(track, sample);
  }

  // text returns the load of a process, or an empty text.
  text(track) {
    const load = this.samples.get(track)?.load ?? null;
    return load === null ? '' : `${Math.round(100 * load)} % of one core`;
  }
}
