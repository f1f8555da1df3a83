// Settings of this browser: order of cameras, hidden cameras, columns, theme, keyboard shortcuts. They are kept in localStorage if it is allowed.

const key = 'camd.wall';

function load() {
  try {
    const { order, hidden, columns, theme, keys } = JSON.parse(localStorage.getItem(key)) ?? {};
    const list = (value) => (Array.isArray(value) ? value : []);
    return { order: list(order), hidden: list(hidden), columns: Number.isInteger(columns) ? columns : 0, theme: theme ?? '', keys: keys ?? true };
  } catch {
    return { order: [], hidden: [], columns: 0, theme: '', keys: true }; // not allowed, or damaged
  }
}

export const settings = load();

export function saveSettings(change) {
  Object.assign(settings, change);
  try {
    localStorage.setItem(key, JSON.stringify(settings));
  } catch {
    // The settings then last until the page is closed.
  }
}

// sortCameras returns the cameras site by site, as camd lists the sites. Those of one site are in the user's order; new ones come last.
export function sortCameras(cameras) {
  const sites = [...new Set(cameras.map(({ site }) => site))];
  const position = (camera) => {
    const i = settings.order.indexOf(camera.id);
    return i < 0 ? settings.order.length : i;
  };
  return cameras.toSorted((a, b) => sites.indexOf(a.site) - sites.indexOf(b.site) || position(a) - position(b));
}

const themes = ['', 'light', 'dark'];

export function applyTheme() {
  if (settings.theme) document.documentElement.dataset.theme = settings.theme;
  else delete document.documentElement.dataset.theme;
}

// nextTheme switches to the next theme and returns its name.
export function nextTheme() {
  saveSettings({ theme: themes[(themes.indexOf(settings.theme) + 1) % themes.length] });
  applyTheme();
  return settings.theme || 'follow system';
}
