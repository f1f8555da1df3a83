// A link that lets whoever has it see one camera for a while.

import { share } from './api.js';
import { toast } from './format.js';

// offerLinks makes the dialog with which links to a camera are made. camera returns it.
export function offerLinks(dialog, camera) {
  const part = (selector) => dialog.querySelector(selector);
  const field = part('input');
  part('form').addEventListener('submit', async (event) => {
    event.preventDefault();
    try {
      const link = await share(camera().id, part('select').value);
      field.value = link.page;
      part('.until').textContent = `Until ${new Date(link.until).toLocaleString()}, whoever has it sees this camera live, and nothing else.`;
      part('.made').hidden = false;
      field.focus();
      field.setSelectionRange(0, field.value.length, 'backward');
      field.scrollLeft = 0; // its beginning says where it leads
    } catch (error) {
      toast(`No link: ${error.message}`);
    }
  });
  part('.copy-link').addEventListener('click', async () => {
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
      part('.copied').textContent = 'Copied.';
    } catch {
      part('.copied').textContent = 'Press Ctrl+C to copy it.';
    }
  });
  part('.done').addEventListener('click', () => dialog.close());
  dialog.addEventListener('close', () => { // nothing of it stays on the page
    field.value = '';
    part('.copied').textContent = '';
    part('.made').hidden = true;
  });
  return () => {
    part('h2').textContent = `Share ${camera().title}`;
    dialog.showModal();
  };
}
