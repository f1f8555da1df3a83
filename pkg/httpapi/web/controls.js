// The image controls of a camera: brightness, exposure, focus.

import { cameraPath, fetchJSON, patchCamera } from './api.js';
import { toast } from './messages.js';

const list = document.getElementById('controls');
const section = document.getElementById('controls-section');

// loadControls lists a camera's controls. It hides the section if there are none: most sources have none, and neither has a camera that
// is not open.
export async function loadControls(id) {
  const { controls = [] } = await fetchJSON(cameraPath(id)).catch(() => ({}));
  draw(id, controls);
}

function draw(id, controls) {
  section.hidden = controls.length === 0;
  const focused = document.activeElement?.id;
  list.replaceChildren(...controls.map((control) => row(id, control)));
  if (focused) document.getElementById(focused)?.focus();
}

async function set(id, control, value) {
  try {
    const { camera } = await patchCamera(id, { controls: { [control.name]: value } });
    draw(id, camera.controls ?? []); // one control may enable or disable others
  } catch (error) {
    toast(`${control.title} was not changed: ${error.message}`);
    loadControls(id);
  }
}

function row(id, control) {
  const element = document.createElement('div');
  element.className = 'control';
  const label = document.createElement('label');
  label.textContent = control.title;
  const input = (inputs[control.kind] ?? inputs.integer)(control, (value) => set(id, control, value));
  input.id = `control-${control.name}`;
  label.htmlFor = input.id;
  input.disabled = control.read_only || control.inactive;
  if (control.inactive) input.title = 'Another control sets this value';
  element.append(label, input);
  if (input.type === 'range') {
    const output = document.createElement('output');
    output.htmlFor = input.id;
    output.value = input.value;
    input.addEventListener('input', () => { output.value = input.value; });
    element.append(output);
  }
  return element;
}

const make = (name, properties) => Object.assign(document.createElement(name), properties);

const inputs = {
  integer(control, set) {
    const { min, max, step } = control;
    const input = make('input', { type: 'range', min, max, step: step || 1 });
    input.value = control.value ?? control.default; // set after the bounds, because the default bounds would limit it
    input.onchange = () => set(Number(input.value));
    return input;
  },
  boolean(control, set) {
    const input = make('input', { type: 'checkbox', checked: control.value === true });
    input.onchange = () => set(input.checked);
    return input;
  },
  menu(control, set) {
    const input = make('select', {});
    for (const { value, text } of control.menu ?? []) input.append(make('option', { value, textContent: text }));
    input.value = control.value;
    input.onchange = () => set(Number(input.value));
    return input;
  },
  integer_menu(control, set) { return inputs.menu(control, set); },
  button(control, set) {
    return make('button', { type: 'button', textContent: 'Run', onclick: () => set(1) });
  },
};
