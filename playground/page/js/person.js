// One person's pane: Teams and Outlook, as tabs, or side by side where there is room for both.

import { Chat } from "./chat.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { Mailbox } from "./mailbox.js";
import { choose, onSettings, settings } from "./settings.js";
import { step } from "./switches.js";

const APPS = [["teams", "Teams", "chat"], ["outlook", "Outlook", "mail"]];

export class Person {
  #alias;
  #chat;
  #mailbox;
  #tabs = new Map(); // app -> {tab, count, pane}

  // *people* are all who have a pane, *lenders* those whose inboxes he can look into.
  constructor(person, people, lenders, { adopt, announce }) {
    this.#alias = person.alias;
    this.#chat = new Chat(person, { adopt, announce });
    this.#mailbox = new Mailbox(person, people, lenders, { adopt, announce });
    const panes = { teams: this.#chat.element, outlook: this.#mailbox.element };
    for (const [app, label, glyph] of APPS) this.#tabs.set(app, { ...tab(person, app, label, glyph, panes[app], () => this.#look(app)), pane: panes[app] });
    const tabs = [...this.#tabs.values()].map((one) => one.tab);
    this.element = h("section", { class: "person-pane", id: `person-${person.alias}`, "aria-label": person.name },
      h("div", { class: "app-tabs", role: "tablist", "aria-label": `${person.name}'s apps`, onkeydown: (event) => step(event, tabs) }, tabs),
      h("div", { class: "app-panes" }, this.#chat.element, this.#mailbox.element));
    onSettings(({ outlook }) => this.#show(outlook.split(",").includes(person.alias) ? "outlook" : "teams"));
  }

  // Takes the person's things, and his lenders' mails; returns how many of his own are new or changed.
  update(things, gone, whole) {
    const of = (kind) => things.filter((thing) => thing.kind === kind);
    const messages = this.#chat.update(of("message"), gone.filter((key) => key.startsWith("chat/")), whole);
    const mails = this.#mailbox.update(of("mail"), gone.filter((key) => key.startsWith("mail/")), whole);
    for (const app of of("app")) this.#chat.appIs(app.state);
    for (const systems of of("mailsystems")) this.#mailbox.systemsAre(systems);
    this.#count();
    if (messages && !whole) this.#news("teams");
    return messages + mails;
  }

  #look(app) {
    const others = settings().outlook.split(",").filter((alias) => alias && alias !== this.#alias);
    choose({ outlook: [...others, ...(app === "outlook" ? [this.#alias] : [])].join(",") });
  }

  #show(app) {
    for (const [name, { tab, pane }] of this.#tabs) {
      const on = name === app;
      tab.setAttribute("aria-selected", String(on));
      tab.tabIndex = on ? 0 : -1;
      pane.classList.toggle("looked-at", on);
      if (on) tab.classList.remove("has-news");
    }
  }

  #news(app) {
    const { tab, pane } = this.#tabs.get(app);
    if (pane.offsetParent === null) tab.classList.add("has-news");
  }

  #count() {
    const { count } = this.#tabs.get("outlook");
    count.textContent = this.#mailbox.unread || "";
    count.hidden = this.#mailbox.unread === 0;
  }
}

function tab(person, app, label, glyph, pane, onclick) {
  const count = h("span", { class: "mail-count", hidden: true });
  const button = h("button", { type: "button", role: "tab", id: `${app}-tab-${person.alias}`, "aria-controls": pane.id, dataset: { app }, onclick },
    icon(glyph), label, count, h("span", { class: "news", "aria-hidden": "true" }));
  return { tab: button, count };
}
