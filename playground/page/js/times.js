// Where and how the reader tells the time. The page is English; how English is written differs from country to country.

export const LOCALE = [...navigator.languages].find((language) => /^en(-[A-Z]{2})?$/.test(language)) ?? "en-US";
export const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

const TIME = new Intl.DateTimeFormat(LOCALE, { timeStyle: "short" });
const EXACT = new Intl.DateTimeFormat(LOCALE, { timeStyle: "medium" });
const DAY = new Intl.DateTimeFormat(LOCALE, { weekday: "long", day: "numeric", month: "long" });

export const clock = (iso) => TIME.format(new Date(iso));
export const exactClock = (iso) => EXACT.format(new Date(iso));

export function day(iso) {
  const at = new Date(iso);
  const days = Math.round((midnight(new Date()) - midnight(at)) / 86400000);
  return days === 0 ? "Today" : days === 1 ? "Yesterday" : DAY.format(at);
}

export function took(from, to) {
  const ms = new Date(to) - new Date(from);
  return ms < 1000 ? `${Math.max(ms, 0)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

function midnight(date) {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate());
}
