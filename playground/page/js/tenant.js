// One tenant's side of the page: its fault switches, the box to post an ARX, and its traffic.

import { Composer } from "./composer.js";
import { h } from "./dom.js";
import { Faults } from "./faults.js";
import { choose, onSettings } from "./settings.js";
import { step } from "./switches.js";
import { Toasts } from "./toast.js";
import { Traffic } from "./traffic.js";

export class Tenant {
  #composer;
  #traffic;
  #faults;
  #toasts = new Toasts();
  #count = h("span", { class: "count", hidden: true });

  constructor(setup, tenant, adopt) {
    const complain = (text) => this.#toasts.show(text, "error");
    this.#traffic = new Traffic(setup.people);
    this.#faults = new Faults(tenant, complain);
    this.#composer = new Composer(setup, tenant, adopt);
    const panels = { send: this.#composer.element, traffic: this.#traffic.element };
    this.element = h("div", { class: "desk" }, this.#toasts.element, this.#faults.element,
      tabs({ send: ["Send an ARX"], traffic: ["Traffic", this.#count] }, panels), ...Object.values(panels));
  }

  update(things, gone) {
    const [state] = things.filter((thing) => thing.kind === "tenant");
    if (state) this.#faults.update(state);
    this.#traffic.update(things.filter((thing) => thing.kind !== "tenant"), gone);
    if (state) this.#composer.storyIs(state.story, this.#traffic.createdAs(state.story?.number));
    if (this.#count.textContent !== String(this.#traffic.count)) this.#beat();
    this.#count.textContent = this.#traffic.count;
    this.#count.hidden = this.#traffic.count === 0;
  }

  stir() {
    this.#composer.stir();
  }

  renew(setup, tenant) {
    this.#composer.renew(setup, tenant);
  }

  #beat() {
    this.#count.classList.add("news");
    setTimeout(() => this.#count.classList.remove("news"), 700);
  }
}

function tabs(labels, panels) {
  const buttons = Object.entries(labels).map(([panel, label]) =>
    h("button", { type: "button", role: "tab", id: `tab-${panel}`, "aria-controls": `panel-${panel}`, dataset: { panel }, onclick: () => choose({ panel }) }, label));
  for (const [panel, element] of Object.entries(panels)) {
    element.id = `panel-${panel}`;
    element.setAttribute("role", "tabpanel");
    element.setAttribute("aria-labelledby", `tab-${panel}`);
  }
  const list = h("div", { class: "tabs", role: "tablist", "aria-label": "Tenant", onkeydown: (event) => step(event, buttons) }, buttons);
  onSettings((now) => {
    for (const button of buttons) {
      const on = button.dataset.panel === now.panel;
      button.setAttribute("aria-selected", String(on));
      button.tabIndex = on ? 0 : -1;
      panels[button.dataset.panel].classList.toggle("off", !on);
    }
  });
  return list;
}
