// Short messages that come and go at the head of a pane; errors stay longer and interrupt a screen reader.

import { h } from "./dom.js";
import { icon } from "./icons.js";

const STAYS = { info: 6000, good: 6000, error: 12000 }; // milliseconds
const GLYPHS = { info: "info", good: "check", error: "warning" };

export class Toasts {
  constructor() {
    this.element = h("div", { class: "toasts", "aria-live": "polite", "aria-relevant": "additions" });
  }

  show(text, kind = "info") {
    const close = h("button", { type: "button", class: "toast-close", "aria-label": "Dismiss", onclick: () => this.#drop(toast) }, "×");
    const toast = h("div", { class: `toast ${kind}`, role: kind === "error" ? "alert" : null }, icon(GLYPHS[kind] ?? "info"), h("p", {}, text), close);
    for (const older of [...this.element.children].slice(0, -1)) older.remove();
    this.element.append(toast);
    setTimeout(() => this.#drop(toast), STAYS[kind] ?? STAYS.info);
  }

  #drop(toast) {
    toast.classList.add("going");
    setTimeout(() => toast.remove(), 200);
  }
}
