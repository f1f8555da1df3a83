// The page's side of the worker that decodes video (video_worker.js). A page has one worker for all its streams.

let worker = null;
let players = new Map(); // number to its onReport
let canvases = new Set(); // ids of the canvases that the worker has
let lastPlayer = 0;

// In Firefox, the page waits for up to ten seconds when it copies the picture of a worker's canvas. There the page draws the pictures.
const drawsInPage = navigator.userAgent.includes('Firefox/');

// When the element of a canvas is not used any more, the worker can forget the canvas.
const elements = new FinalizationRegistry(({ from, canvas }) => {
  if (from === worker) worker.postMessage({ type: 'forget', canvas });
  canvases.delete(canvas);
});

function startWorker() {
  if (worker) return;
  worker = new Worker(new URL('./video_worker.js', import.meta.url), { type: 'module' });
  worker.onmessage = ({ data }) => {
    for (const { player, ...report } of data) {
      players.get(player)?.(report);
      report.picture?.close();
    }
  };
  worker.onerror = (event) => {
    event.preventDefault();
    stopWorker(event.message || 'the script that decodes video does not start');
  };
}

// stopWorker ends the worker after an error. The canvases in it are lost, so their displays need other players from now on.
function stopWorker(failed) {
  const ended = players;
  worker.terminate();
  worker = null;
  players = new Map();
  canvases = new Set();
  for (const onReport of ended.values()) onReport({ failed });
}

// workerCanvas returns the number of a display's canvas in the worker, and the canvas if the worker does not have it yet. The number is 0
// if the page draws.
function workerCanvas(display) {
  if (drawsInPage) return { canvas: 0, offscreen: null };
  const { element, canvas: offscreen, id: canvas } = display.workerCanvas();
  if (offscreen) {
    canvases.add(canvas);
    elements.register(element, { from: worker, canvas });
  } else if (!canvases.has(canvas)) {
    throw new Error('the canvas of the display was lost with a worker');
  }
  return { canvas, offscreen };
}

// openStream opens a decoder in the worker. It draws on the canvas of a PictureDisplay. stream is {codec, description, isSmall}.
// onReport is called with the reports of video_worker.js. It throws an Error if the canvas of the display is lost.
export function openStream(stream, display, onReport) {
  startWorker();
  const from = worker;
  const { canvas, offscreen } = workerCanvas(display);
  const player = ++lastPlayer;
  players.set(player, onReport);
  from.postMessage({ type: 'open', player, ...stream, canvas, offscreen }, offscreen ? [offscreen] : []);
  return {
    // write takes over the bytes of a frame: data is empty afterwards.
    write({ seq, key, taken, placeholder, catchUp, pts, data }) {
      if (players.get(player) !== onReport) return;
      from.postMessage({ type: 'frame', player, frame: { seq, key, taken, placeholder, catchUp, pts, data } }, [data.buffer]);
    },
    // close ends the decoder. Its picture stays on the worker's canvas only if the display shows that canvas at the end of this task.
    close() {
      if (!players.delete(player)) return;
      queueMicrotask(() => from.postMessage({ type: 'close', player, blank: !display.showsWorker }));
    },
  };
}
