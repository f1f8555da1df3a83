// What the person chose on this screen: order, hidden cameras, colours, whether letters are keys. Kept in the browser, where it can.

const key = 'camd.wall';

function load() {
  try {
    const { order, hidden, theme, keys } = JSON.parse(localStorage.getItem(key)) ?? {};
    const list = (kept) => (Array.isArray(kept) ? kept : []);
    return { order: list(order), hidden: list(hidden), theme: theme ?? '', keys: keys ?? true };
  } catch {
    return { order: [], hidden: [], theme: '', keys: true }; // not allowed, or damaged
  }
}

export const choice = load();

export function save(change) {
  Object.assign(choice, change);
  try {
    localStorage.setItem(key, JSON.stringify(choice));
  } catch {
    // It holds until the page is closed.
  }
}

// sorted returns cameras site by site, as camd lists the sites, and in each in the person's order; new ones come last, as configured.
export function sorted(cameras) {
  const sites = [...new Set(cameras.map(({ site }) => site))];
  const place = (camera) => {
    const i = choice.order.indexOf(camera.id);
    return i < 0 ? choice.order.length : i;
  };
  return cameras.toSorted((a, b) => sites.indexOf(a.site) - sites.indexOf(b.site) || place(a) - place(b));
}

const themes = ['', 'light', 'dark'];

export function applyTheme() {
  if (choice.theme) document.documentElement.dataset.theme = choice.theme;
  else delete document.documentElement.dataset.theme;
}

// nextTheme goes on to the next choice of colours and returns its name.
export function nextTheme() {
  save({ theme: themes[(themes.indexOf(choice.theme) + 1) % themes.length] });
  applyTheme();
  return choice.theme || 'as the system has them';
}
