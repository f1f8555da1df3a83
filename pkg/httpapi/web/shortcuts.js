// Keyboard shortcuts of the dashboard.

import { settings } from './settings.js';

const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const letters = { f: 'fullscreen', s: 'snapshot', p: 'pause', i: 'streamDetails', d: 'details', '?': 'help' };
const zoomKeys = { '+': 'zoomIn', '=': 'zoomIn', '-': 'zoomOut', 0: 'unzoom' };

// listenForShortcuts calls actions for keys. isSingleView returns whether a camera is opened. In a kiosk only f, arrows and digits work.
export function listenForShortcuts(actions, isSingleView, kiosk) {
  addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest('input, select, textarea, .sheet')) return;
    const { key } = event;
    if (arrows[key]) actions.arrow(...arrows[key], event.shiftKey);
    else if (!settings.keys) return; // turned off: speech and other devices type letters unasked (WCAG 2.1.4)
    else if (/^[1-9]$/.test(key)) actions.digit(Number(key));
    else if (letters[key] && (!kiosk || key === 'f')) actions[letters[key]]();
    else if (zoomKeys[key] && isSingleView()) actions[zoomKeys[key]]();
    else return;
    event.preventDefault();
  });
}
