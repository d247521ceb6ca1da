// Which pane is seen where not all fit: tabs for the three people and the tenant, with a dot for unseen news.

import { h } from "./dom.js";
import { choose, onSettings } from "./settings.js";
import { step } from "./switches.js";

export class Views {
  #tabs = new Map(); // view -> {tab, pane}

  constructor(panes) {
    const list = document.getElementById("views");
    for (const { view, label, pane } of panes) {
      pane.dataset.view = view;
      const tab = h("button", { type: "button", role: "tab", id: `view-${view}`, "aria-controls": pane.id, dataset: { view }, onclick: () => choose({ view }) },
        label, h("span", { class: "news", "aria-hidden": "true" }));
      this.#tabs.set(view, { tab, pane });
      list.append(tab);
    }
    list.addEventListener("keydown", (event) => step(event, [...this.#tabs.values()].map(({ tab }) => tab)));
    onSettings(({ view }) => this.#show(this.#tabs.has(view) ? view : panes[0].view));
  }

  news(view) {
    const { tab, pane } = this.#tabs.get(view) ?? {};
    if (tab && pane.offsetParent === null) tab.classList.add("has-news");
  }

  #show(view) {
    document.documentElement.dataset.view = view;
    for (const [name, { tab, pane }] of this.#tabs) {
      const on = name === view;
      tab.setAttribute("aria-selected", String(on));
      tab.tabIndex = on ? 0 : -1;
      pane.classList.toggle("chosen", on);
      if (on) tab.classList.remove("has-news");
    }
  }
}
