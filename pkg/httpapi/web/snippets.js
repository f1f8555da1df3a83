// Addresses to copy, and configuration snippets for other programs.

import { addIcons } from './icons.js';
import { toast } from './messages.js';
import { trackTitle } from './tracks.js';

// copyable makes an element with a text and a button that copies it.
function copyable(text, kind, label) {
  const element = document.createElement('div');
  element.className = 'copy';
  const code = document.createElement(kind);
  code.textContent = text;
  const button = document.createElement('button');
  button.type = 'button';
  button.dataset.icon = 'copy';
  button.title = 'Copy';
  button.setAttribute('aria-label', `Copy ${label}`);
  button.onclick = () => copy(text, code);
  element.append(code, button);
  addIcons(element);
  return element;
}

async function copy(text, code) {
  try {
    await navigator.clipboard.writeText(text); // available only with HTTPS or at localhost
    toast('Copied');
  } catch {
    getSelection().selectAllChildren(code);
    toast('Press Ctrl+C to copy the selected text');
  }
}

// listAddresses shows the addresses of a camera's streams and snapshots.
export function listAddresses(element, camera) {
  element.replaceChildren();
  const add = (title, path) => {
    const term = document.createElement('dt');
    term.textContent = title;
    const address = document.createElement('dd');
    address.append(copyable(new URL(path, location.href).href, 'code', title));
    element.append(term, address);
  };
  for (const { name } of camera.renditions) {
    const query = name === 'main' ? '' : `?rendition=${encodeURIComponent(name)}`;
    for (const [what, path] of [['Stream', camera.urls.stream], ['Snapshot', camera.urls.snapshot]]) {
      add(name === 'main' ? what : `${what}, ${name}`, path + query);
    }
  }
  for (const track of camera.tracks) add(`${trackTitle(track)}, MP4`, track.url);
}

// listSnippets shows the snippets of a camera. credentials is true if programs have to authenticate.
export function listSnippets(element, camera, credentials) {
  const stream = new URL(camera.urls.stream, location.href).href;
  const snapshot = new URL(camera.urls.snapshot, location.href).href;
  for (const [name, text] of [
    ['Home Assistant', `Settings > Devices & services > Add integration > MJPEG IP Camera\n\nMJPEG URL:       ${stream}\nStill image URL: ${snapshot}`],
    ['OctoPrint', `Settings > Classic Webcam\n\nStream URL:   ${stream}\nSnapshot URL: ${snapshot}`],
    ['Web page', `<img src="${stream}" alt="${camera.title.replaceAll('&', '&amp;').replaceAll('"', '&quot;')}">`],
    ['ffmpeg', `# play\nffplay -fflags nobuffer ${stream}\n# record without transcoding\nffmpeg -use_wallclock_as_timestamps 1 -i ${stream} -c copy ${camera.id}.mkv`],
    ['VLC', `vlc --network-caching=300 ${stream}`],
    ['OpenCV', `import cv2\ncamera = cv2.VideoCapture("${stream}")\nok, picture = camera.read()`],
    ['Another camd', `cameras:\n  - id: ${camera.id.replace('.', '-')}\n    source: ${stream}`],
    ['Prometheus', `scrape_configs:\n  - job_name: camd\n    static_configs:\n      - targets: ["${location.host}"]${location.protocol === 'https:' ? '\n    scheme: https' : ''}${credentials ? '\n    authorization:\n      credentials_file: /etc/prometheus/camd.token' : ''}\n\n# frame rate of this camera\nrate(camd_camera_frames_${camera.remote ? 'published' : 'captured'}_total{camera="${camera.id}"}[1m])`],
  ]) {
    const details = document.createElement('details');
    const summary = document.createElement('summary');
    summary.textContent = name;
    details.append(summary, copyable(text, 'pre', `the settings for ${name}`));
    element.append(details);
  }
}
