// Messages on a page: a problem in its place, and a toast that goes by itself.

// showProblem shows a text in an element, and hides the element if there is none. brief is a shorter text to show; the title has all of it.
export function showProblem(element, text, brief = text) {
  element.textContent = brief;
  element.title = text;
  element.hidden = !brief;
}

// moveIntoDialog moves an element into the open dialog and returns it: screen readers do not announce what is outside.
export function moveIntoDialog(id) {
  const element = document.getElementById(id);
  (document.querySelector('dialog[open]') ?? document.body).append(element);
  return element;
}

let hideTimer;

// toast shows a text for six seconds.
export function toast(text) {
  const element = moveIntoDialog('toast');
  element.showPopover?.();
  element.textContent = text;
  clearTimeout(hideTimer);
  hideTimer = setTimeout(() => element.hidePopover?.(), 6000);
}
