// Messages on a page: a problem in its place, and a toast that goes by itself.

// showProblem shows a text in an element, and hides the element if there is none. brief is a shorter text to show; the title has all of it.
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
