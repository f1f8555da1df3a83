// Messages on a page: a problem beside the picture, and a toast that disappears by itself.

// showProblem shows a text in an element, and hides the element if the text is empty. brief is a shorter text to show. The title then has
// the full text.
export function showProblem(element, text, brief = text) {
  element.textContent = brief;
  element.title = text;
  element.hidden = !brief;
}

// showPageProblem shows what is wrong on a page of one camera. A picture that is stale is not live, and is dimmed.
export function showPageProblem(text, isStale) {
  const element = document.querySelector('.problem');
  if (element.title !== text) showProblem(element, text); // screen readers announce each change
  document.body.toggleAttribute('data-stale', isStale);
}

// moveIntoDialog moves an element into the open dialog and returns it, because screen readers announce only what is in the dialog.
export function moveIntoDialog(id) {
  const element = document.getElementById(id);
  (document.querySelector('dialog[open]') ?? document.body).append(element);
  return element;
}

let hideTimer = null; // null while no toast is shown
let showTime = 0; // milliseconds for which the toast is shown

// toast shows a text for six seconds. action adds a button, {label, run}, and shows the text for 15 seconds.
export function toast(text, action) {
  const element = showToast();
  element.replaceChildren(text);
  showTime = action ? 15000 : 6000;
  startHideTimer();
  if (!action) return;
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = action.label;
  button.addEventListener('click', () => {
    hideToast();
    action.run();
  });
  element.append(button);
}

// startHideTimer hides the toast when its time is over. While the user points at the toast or has the keyboard focus on it, it remains
// (WCAG 2.2.1).
function startHideTimer() {
  clearTimeout(hideTimer);
  hideTimer = setTimeout(() => {
    if (document.getElementById('toast').matches(':hover, :focus-within')) startHideTimer();
    else hideToast();
  }, showTime);
}

// When the pointer or the focus leaves the toast, it gets its full time again.
for (const event of ['pointerleave', 'focusout']) {
  document.getElementById('toast')?.addEventListener(event, () => { if (hideTimer !== null) startHideTimer(); });
}

function showToast() {
  const element = moveIntoDialog('toast');
  element.showPopover?.();
  return element;
}

function hideToast() {
  clearTimeout(hideTimer);
  hideTimer = null;
  document.getElementById('toast').hidePopover?.();
}

// A toast remains when its dialog is closed.
document.addEventListener('close', () => { if (hideTimer !== null) showToast(); }, true);
