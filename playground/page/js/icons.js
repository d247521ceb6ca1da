// The few icons of the page and of the cards' badges, drawn as SVG strokes on a 16 x 16 grid.

import { svg } from "./dom.js";

const circle = "M8 1.75a6.25 6.25 0 1 0 0 12.5a6.25 6.25 0 1 0 0-12.5z";
const PATHS = {
  clock: `${circle}M8 4.75V8l2.25 1.75`,
  check: `${circle}M5.25 8.25l2 2 3.5-4`,
  cross: `${circle}M5.9 5.9l4.2 4.2M10.1 5.9l-4.2 4.2`,
  info: `${circle}M8 7.4v3.4M8 5.1v.2`,
  question: `${circle}M6.2 6.4a1.8 1.8 0 1 1 2.6 1.6c-.5.3-.8.6-.8 1.1M8 11.2v.1`,
  warning: "M8 2.2l6.2 11.1H1.8zM8 6.5v3.2M8 11.5v.1",
  sync: "M13.5 7.2A5.6 5.6 0 0 0 3.6 4.6L2.4 6M2.5 8.8a5.6 5.6 0 0 0 9.9 2.6L13.6 10M2.4 2.8V6h3.2M13.6 13.2V10h-3.2",
  send: "M2.2 2.6l11.9 5.4-11.9 5.4 1.9-5.4zM4.1 8h5.4",
  lock: "M4 7.2h8v6H4zM5.7 7.2V5a2.3 2.3 0 1 1 4.6 0v2.2",
  copy: "M5.5 5.5h7.8v7.8H5.5zM3.4 10.5h-.7V2.7h7.8v.7",
  plus: "M8 3v10M3 8h10",
  out: "M3 8h10M9 4l4 4-4 4",
  in: "M13 8H3M7 4L3 8l4 4",
  sun: "M8 5.2a2.8 2.8 0 1 0 0 5.6a2.8 2.8 0 1 0 0-5.6zM8 1.4v1.4M8 13.2v1.4M1.4 8h1.4M13.2 8h1.4M3.3 3.3l1 1M11.7 11.7l1 1M12.7 3.3l-1 1M4.3 11.7l-1 1",
  moon: "M13.4 9.6A5.7 5.7 0 0 1 6.4 2.6 5.7 5.7 0 1 0 13.4 9.6z",
  auto: `${circle}M8 1.75v12.5`,
  phone: "M4.6 1.8h6.8v12.4H4.6zM7.2 12.3h1.6",
  desktop: "M1.8 2.8h12.4v8H1.8zM5.4 13.4h5.2M8 10.8v2.6",
  pair: "M1.8 2.8h12.4v10.4H1.8zM8 2.8v10.4",
  mail: "M1.8 3.4h12.4v9.2H1.8zM2 3.8l6 4.8 6-4.8",
  back: "M9.8 3.4L5.2 8l4.6 4.6",
  chat: "M2.2 3h11.6v8.2H7.2l-3 2.6v-2.6h-2z",
  building: "M3 14V2.4h7V14M10 6.4h3V14M1.8 14h12.4M5.3 5h2.4M5.3 7.8h2.4M5.3 10.6h2.4",
  edit: "M3 13l.6-2.8L10.8 3 13 5.2l-7.2 7.2z",
};

// Fluent's names, as cards use them in Badge.icon.
const FLUENT = {
  Clock: "clock", Hourglass: "clock", HourglassHalf: "clock", CheckmarkCircle: "check", Checkmark: "check", DismissCircle: "cross",
  Dismiss: "cross", ErrorCircle: "warning", Warning: "warning", Info: "info", QuestionCircle: "question", Question: "question",
  ChatHelp: "question", ArrowSync: "sync", ArrowSyncCircle: "sync", Send: "send", SendClock: "send", LockClosed: "lock",
  Archive: "lock", Edit: "edit", Prohibited: "cross", ArrowClockwise: "sync", CommentNote: "chat", Comment: "chat", Chat: "chat",
};

export function icon(name) {
  return svg("svg", { class: "icon", viewBox: "0 0 16 16", "aria-hidden": "true", focusable: "false" }, svg("path", { d: PATHS[name] }));
}

export function fluentIcon(name) {
  const known = FLUENT[name?.split(",")[0]];
  return known ? icon(known) : null;
}
