// What a user can do with a camera on any page: save a snapshot, turn it off and on.

import { downloadSnapshot, patchCamera } from './api.js';
import { toast } from './messages.js';

// saveSnapshot downloads a camera's picture, or shows why not.
export async function saveSnapshot(camera) {
  try {
    await downloadSnapshot(camera.id);
  } catch (error) {
    toast(`No snapshot of ${camera.title}: ${error.message}`);
  }
}

// togglePaused turns a camera off or on and calls onChange with its new state. The message that it is off has a button to undo that.
export async function togglePaused(camera, onChange) {
  try {
    const { camera: changed, warning } = await patchCamera(camera.id, { paused: !camera.paused });
    const text = [changed.paused ? `${camera.title} is turned off for everyone` : `${camera.title} is turned on`, warning].filter(Boolean).join('; ');
    if (changed.paused) toast(text, { label: 'Undo', run: () => togglePaused({ ...camera, ...changed }, onChange) });
    else toast(text);
    onChange(changed);
  } catch (error) {
    toast(`${camera.title} stays ${camera.paused ? 'off' : 'on'}: ${error.message}`);
  }
}
