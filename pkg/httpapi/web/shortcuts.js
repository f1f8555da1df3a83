// The keyboard, for whoever does not want to aim.

import { choice } from './settings.js';

const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const letters = { f: 'fullscreen', s: 'snapshot', p: 'pause', d: 'details', '?': 'help' };
const staged = { '+': 'zoomIn', '=': 'zoomIn', '-': 'zoomOut', 0: 'unzoom' };

// listen calls actions for keys; onStage says whether a camera is opened. A kiosk has none that lead away from it.
export function listen(actions, onStage, kiosk) {
  addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest('input, select, textarea, .sheet')) return;
    const { key } = event;
    if (arrows[key]) actions.arrow(...arrows[key], event.shiftKey);
    else if (!choice.keys) return; // switched off: speech and other devices type letters unasked (WCAG 2.1.4)
    else if (/^[1-9]$/.test(key)) actions.digit(Number(key));
    else if (letters[key] && (!kiosk || key === 'f')) actions[letters[key]]();
    else if (staged[key] && onStage()) actions[staged[key]]();
    else return;
    event.preventDefault();
  });
}
