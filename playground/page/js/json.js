// JSON for people: coloured tokens, pretty printing, and where a syntax error sits.

import { h } from "./dom.js";

const TOKEN = /("(?:[^"\\\n]|\\.)*"?)(\s*:)?|\b(true|false|null)\b|-?\b\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

export function coloured(text) {
  const fragment = document.createDocumentFragment();
  let end = 0;
  for (const match of text.matchAll(TOKEN)) {
    fragment.append(text.slice(end, match.index));
    const [whole, string, colon, word] = match;
    const kind = string ? (colon ? "key" : "string") : word ? "word" : "number";
    fragment.append(h("span", { class: `j-${kind}` }, string ?? whole), colon ?? "");
    end = match.index + whole.length;
  }
  fragment.append(text.slice(end));
  return fragment;
}

// Anything as a readable block: JSON pretty printed, other text as it is.
export function block(value, label) {
  const text = typeof value === "string" ? pretty(value) : JSON.stringify(value, null, 2);
  return h("pre", { class: "json", tabindex: "0", role: "region", "aria-label": label }, coloured(text ?? ""));
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

// Returns {value} or {problem, line, column}; browsers word positions differently, some give none.
export function parse(text) {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return { problem: sentence(error.message), ...place(text, error.message) };
  }
}

function place(text, message) {
  const lineColumn = /line (\d+) column (\d+)/.exec(message);
  if (lineColumn) return { line: Number(lineColumn[1]), column: Number(lineColumn[2]) };
  const position = /position (\d+)/.exec(message);
  const before = position ? text.slice(0, Number(position[1])) : text; // no position: mostly the end is missing
  const lines = before.split("\n");
  return { line: lines.length, column: lines.at(-1).length + 1 };
}

function sentence(message) {
  return message.replace(/^JSON\.parse: /, "").replace(/ \(line.*\)$| at line.*$| in JSON at position.*$/, "").replace(/ in JSON$/, "");
}
