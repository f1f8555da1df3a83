// The dialog that creates a link to one camera for a limited time.

import { createLink } from './api.js';
import { dateTime } from './format.js';
import { toast } from './messages.js';

// initShareDialog sets up the dialog and returns a function that opens it. camera returns the camera to share.
export function initShareDialog(dialog, camera) {
  const part = (selector) => dialog.querySelector(selector);
  const field = part('input');
  part('form').addEventListener('submit', async (event) => {
    event.preventDefault();
    try {
      const link = await createLink(camera().id, part('select').value);
      field.value = link.page;
      part('.expiry').textContent = `This link expires at ${dateTime(new Date(link.until))}. It gives access to this camera only.`;
      part('.result').hidden = false;
      field.focus();
      field.setSelectionRange(0, field.value.length, 'backward');
      field.scrollLeft = 0; // the beginning has the host
    } catch (error) {
      toast(`The link could not be created: ${error.message}`);
    }
  });
  part('.copy-link').addEventListener('click', async () => {
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
      part('.copy-status').textContent = 'Copied.';
    } catch {
      part('.copy-status').textContent = 'Press Ctrl+C to copy the link.';
    }
  });
  part('.done').addEventListener('click', () => dialog.close());
  dialog.addEventListener('close', () => { // the link does not stay on the page
    field.value = '';
    part('.copy-status').textContent = '';
    part('.result').hidden = true;
  });
  return () => {
    part('h2').textContent = `Share ${camera().title}`;
    dialog.showModal();
  };
}
