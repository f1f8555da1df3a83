// What a person can do with a camera, from any page.

import { change, saveSnapshot } from './api.js';
import { toast } from './format.js';

// snapshot saves a camera's picture, or says why not.
export async function snapshot(camera) {
  try {
    await saveSnapshot(camera.id);
  } catch (error) {
    toast(`No snapshot of ${camera.title}: ${error.message}`);
  }
}

// toggle switches a camera off or on and returns it as it is then.
export async function toggle(camera) {
  try {
    const { camera: changed, warning } = await change(camera.id, { paused: !camera.paused });
    toast([changed.paused ? `${camera.title} is switched off for everybody` : `${camera.title} is switched on again`, warning].filter(Boolean).join('; '));
    return changed;
  } catch (error) {
    toast(`${camera.title} stays ${camera.paused ? 'off' : 'on'}: ${error.message}`);
    return camera;
  }
}
