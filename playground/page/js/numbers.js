// Document numbers of the samples: "new number" makes the same sample a new request, for all samples of its document.

const KEPT = "playground-numbers"; // for this browser tab, so that CREATE, UPDATE and DELETE stay together over a reload

const current = new Map(JSON.parse(sessionStorage.getItem(KEPT) ?? "[]")); // printed number -> number now

export function numberOf(text) {
  return /"DocumentNumber"\s*:\s*"([^"\\]+)"/.exec(text)?.[1] ?? null;
}

// A sample with its document's present number.
export function numbered(sample) {
  const printed = numberOf(sample);
  return printed && current.has(printed) ? sample.replaceAll(printed, current.get(printed)) : sample;
}

// The text with a number never used before, in place of *now*; the sample printed with *printed* keeps it.
export function renumbered(text, now, printed) {
  const fresh = now.replace(/\d+/g, (digits) => (/^20\d\d$/.test(digits) ? digits : random(digits.length)));
  remember(printed ?? now, fresh);
  return text.replaceAll(now, fresh);
}

function remember(printed, fresh) {
  current.set(printed, fresh);
  sessionStorage.setItem(KEPT, JSON.stringify([...current]));
}

function random(length) {
  return Array.from(crypto.getRandomValues(new Uint8Array(length)), (byte, at) => (at ? byte % 10 : 1 + (byte % 9))).join("");
}
