// Times as the reader's own browser writes them.

const TIME = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const EXACT = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });

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
