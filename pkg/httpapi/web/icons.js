// The icons, as SVG paths on a field of 24 by 24.

const paths = {
  arrange: 'M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM16.5 13v7M13 16.5h7',
  close: 'M5 5l14 14M19 5L5 19',
  columns: 'M4 4h16v16H4zM9.3 4v16M14.7 4v16',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  details: 'M12 11v6M12 7.5v.1M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z',
  down: 'M6 9l6 6 6-6',
  fullscreen: 'M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5',
  help: 'M9 9a3 3 0 1 1 4.5 2.6c-1 .6-1.5 1.2-1.5 2.4M12 17.5v.1M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z',
  minus: 'M5 12h14',
  next: 'M9 5l7 7-7 7',
  plus: 'M12 5v14M5 12h14',
  power: 'M12 3v9M6.5 6.5a8 8 0 1 0 11 0',
  previous: 'M15 5l-7 7 7 7',
  share: 'M18 8a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM6 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM18 22a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM8.6 10.5l6.8-4M8.6 13.5l6.8 4',
  snapshot: 'M4 8h3l2-3h6l2 3h3v11H4zM12 17a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z',
  stream: 'M3 12h4l3-8 4 16 3-8h4',
  theme: 'M12 3a9 9 0 1 0 0 18zM12 21a9 9 0 0 0 0-18',
  up: 'M6 15l6-6 6 6',
};

// addIcons adds an icon to each element below root that has data-icon.
export function addIcons(root) {
  for (const element of root.querySelectorAll('[data-icon]')) {
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    svg.setAttribute('viewBox', '0 0 24 24');
    svg.setAttribute('aria-hidden', 'true');
    svg.classList.add('icon');
    const path = document.createElementNS(svg.namespaceURI, 'path');
    path.setAttribute('d', paths[element.dataset.icon]);
    svg.append(path);
    element.prepend(svg);
  }
}
