// The tenants' pane: which tenant one looks at, and its desk. Only that one is in the page; the others are kept up to date beside it.

import { h, initials } from "./dom.js";
import { choose, onSettings } from "./settings.js";
import { step } from "./switches.js";
import { Tenant } from "./tenant.js";

export class Tenants {
  #desks; // code -> {tenant, desk, pick}
  #place = h("div", { class: "desk-place" });
  #title = h("h2", {});
  #mark = h("span", { class: "avatar tenant-mark", "aria-hidden": "true" });
  #chosen;

  constructor(setup, adopt) {
    this.#desks = new Map(setup.tenants.map((tenant) => [tenant.code, { tenant, desk: new Tenant(setup, tenant, adopt), pick: pick(tenant) }]));
    const picks = [...this.#desks.values()].map((one) => one.pick);
    const list = h("div", { class: "tenant-picks", role: "radiogroup", "aria-label": "Which tenant", onkeydown: (event) => step(event, picks) }, picks);
    const head = h("header", { class: "tenant-head" }, this.#mark,
      h("div", { class: "who" }, this.#title, h("p", {}, "The tenant: what its own system sends and receives")));
    this.element = h("div", { class: "tenant-inside" }, head, list, this.#place);
    onSettings(({ tenant }) => this.#show(this.#desks.has(tenant) ? tenant : setup.tenants[0].code));
  }

  // Things have keys as "sent/pr/3": each goes to its own tenant.
  update(things, gone, whole) {
    for (const [code, { desk, pick }] of this.#desks) {
      const theirs = things.filter((thing) => thing.key.split("/")[1] === code);
      const lost = gone.filter((key) => key.split("/")[1] === code);
      if (theirs.length || lost.length) desk.update(theirs, lost);
      if (theirs.length && !whole && code !== this.#chosen) pick.classList.add("has-news");
    }
  }

  stir() {
    this.#desks.get(this.#chosen).desk.stir();
  }

  renew(setup) {
    for (const tenant of setup.tenants) this.#desks.get(tenant.code)?.desk.renew(setup, tenant);
  }

  #show(code) {
    for (const [each, { pick }] of this.#desks) {
      pick.setAttribute("aria-checked", String(each === code));
      pick.tabIndex = each === code ? 0 : -1;
    }
    if (this.#chosen === code) return;
    this.#chosen = code;
    const { tenant, desk, pick } = this.#desks.get(code);
    pick.classList.remove("has-news");
    this.#title.textContent = tenant.name;
    this.#mark.replaceChildren(tenant.icon ? h("img", { src: tenant.icon, alt: "", width: 36, height: 36 }) : initials(tenant.name));
    this.#mark.classList.toggle("drawn", Boolean(tenant.icon));
    this.#place.replaceChildren(desk.element);
    desk.stir();
  }
}

function pick(tenant) {
  const short = tenant.name.split(" ").at(-1);
  return h("button", { type: "button", role: "radio", class: "tenant-pick", title: tenant.name, dataset: { tenant: tenant.code }, onclick: () => choose({ tenant: tenant.code }) },
    short, h("span", { class: "news", "aria-hidden": "true" }));
}
