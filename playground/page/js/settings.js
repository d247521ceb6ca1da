// What the reader chose (theme, width, view, panel), kept in the URL's hash so that a link or a screenshot shows the same.

const ALLOWED = {
  theme: ["auto", "light", "dark"],
  width: ["pane", "pair", "phone"],
  view: null,
  outlook: null, // the aliases of those who look at Outlook, by comma
  tenant: null,
  panel: ["send", "traffic"],
};
const DEFAULTS = { theme: "auto", width: "pane", view: "", outlook: "", tenant: "", panel: "send" };

const listeners = new Set();
let current = read();

export function settings() {
  return current;
}

export function choose(change) {
  const next = { ...current, ...change };
  const hash = new URLSearchParams(Object.entries(next).filter(([key, value]) => value !== DEFAULTS[key])).toString();
  history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
  adopt(next);
}

export function onSettings(listener) {
  listeners.add(listener);
  listener(current);
}

function read() {
  const given = new URLSearchParams(location.hash.slice(1));
  const found = { ...DEFAULTS };
  for (const [key, values] of Object.entries(ALLOWED)) {
    const value = given.get(key);
    if (value !== null && (values === null || values.includes(value))) found[key] = value;
  }
  return found;
}

function adopt(next) {
  current = next;
  for (const listener of listeners) listener(current);
}

window.addEventListener("hashchange", () => adopt(read()));
