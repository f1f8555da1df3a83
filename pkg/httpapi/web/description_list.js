// Description lists: terms and their values.

// fillList fills a description list with [term, text] rows, without those that have no text.
export function fillList(element, rows) {
  element.replaceChildren(...rows.filter(([, text]) => text || text === 0).flatMap(([term, text]) => {
    const dt = document.createElement('dt');
    const dd = document.createElement('dd');
    dt.textContent = term;
    dd.textContent = text;
    return [dt, dd];
  }));
}
