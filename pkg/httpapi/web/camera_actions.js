// What users can do with a camera on each page: save a snapshot, turn the camera off or on.

import { downloadSnapshot, patchCamera } from './api.js';
import { sentence } from './format.js';
import { toast } from './messages.js';

// saveSnapshot downloads a camera's picture, or shows why not.
export async function saveSnapshot(camera) {
  try {
    await downloadSnapshot(camera.id);
  } catch (error) {
    toast(`Snapshot of ${camera.title} failed: ${error.message}`);
  }
}

// togglePaused turns a camera off or on and calls onChange with its new state. The message that a camera is off has an Undo button.
export async function togglePaused(camera, onChange) {
  try {
    const { camera: changed, warning } = await patchCamera(camera.id, { paused: !camera.paused });
    const text = [changed.paused ? `${camera.title} is turned off for everyone` : `${camera.title} is turned on`, sentence(warning)].filter(Boolean).join('. ');
    if (changed.paused) toast(text, { label: 'Undo', run: () => togglePaused({ ...camera, ...changed }, onChange) });
    else toast(text);
    onChange(changed);
  } catch (error) {
    toast(`${camera.title} could not be turned ${camera.paused ? 'on' : 'off'}: ${error.message}`);
  }
}
