// What a user can do with a camera on any page: save a snapshot, switch it off and on.

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

// togglePaused switches a camera off or on and returns its new state.
export async function togglePaused(camera) {
  try {
    const { camera: changed, warning } = await patchCamera(camera.id, { paused: !camera.paused });
    toast([changed.paused ? `${camera.title} is switched off for everyone` : `${camera.title} is switched on again`, warning].filter(Boolean).join('; '));
    return changed;
  } catch (error) {
    toast(`${camera.title} stays ${camera.paused ? 'off' : 'on'}: ${error.message}`);
    return camera;
  }
}
