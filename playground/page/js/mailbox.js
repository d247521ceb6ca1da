// One person's Outlook: the inbox, newest first, and the reading pane beside or above it. People without a pane of their own
// (who asked, who is in Cc) lend him their inboxes.

import { post } from "./api.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { Letter } from "./letter.js";
import { MailSystems } from "./mailsystems.js";
import { clock, day } from "./times.js";
import { Toasts } from "./toast.js";

export class Mailbox {
  #person;
  #adopt;
  #announce;
  #items = new Map(); // key -> {thing, element}
  #toasts = new Toasts();
  #systems = new MailSystems((text) => this.#toasts.show(text, "error"));
  #letter;
  #list = h("ol", { class: "mails", "aria-label": "Mails" });
  #empty = h("div", { class: "empty" },
    h("span", { class: "empty-mark", "aria-hidden": "true" }, icon("mail")),
    h("p", { class: "empty-title" }, "No mail yet"),
    h("p", {}, "Mails come if the ARX has a NotificationDetail that wants them."));
  #name = h("h2", {});
  #about = h("p", {});
  #lenders; // alias -> person
  #whose; // the alias whose inbox is looked at
  #pick = h("select", { class: "app", "aria-label": "Whose inbox", hidden: true, onchange: () => this.#look(this.#pick.value) });
  #open = null; // the key of the mail in the reading pane

  // *people* are all who have a pane, *lenders* who have none; *adopt* and *announce* as for a chat.
  constructor(person, people, lenders, { adopt, announce }) {
    this.#person = person;
    this.#whose = person.alias;
    this.#lenders = new Map(lenders.map((one) => [one.alias, one]));
    this.#adopt = adopt;
    this.#announce = announce;
    const others = people.filter((one) => one.alias !== person.alias);
    this.#letter = new Letter(others, {
      onBack: () => this.#close(),
      onPress: (action, inputs) => this.#ask("mail/press", { action, inputs }),
      onForward: (to, hostile) => this.#forward(to, hostile),
    });
    this.element = h("article", { class: "mailbox", id: `mailbox-${person.alias}`, "aria-label": `${person.name}'s mails` },
      h("header", { class: "chat-head mail-head" },
        h("span", { class: "avatar outlook", "aria-hidden": "true" }, icon("mail")),
        h("div", { class: "who" }, this.#name, this.#about), this.#pick),
      this.#toasts.element,
      h("div", { class: "mail-panes" },
        h("div", { class: "inbox" }, h("div", { class: "inbox-scroller", tabindex: "0", role: "region", "aria-label": `Inbox of ${person.name}` }, this.#empty, this.#list), this.#systems.element),
        this.#letter.element));
  }

  get unread() {
    return this.#unreadOf(this.#person.alias);
  }

  // Returns how many mails of his own are new.
  update(things, gone, whole) {
    for (const key of gone) this.#remove(key);
    const arrived = things.filter((thing) => !this.#items.has(thing.key));
    for (const thing of things) this.#put(thing);
    this.#lend();
    this.#sort();
    const own = arrived.filter((thing) => thing.person === this.#person.alias);
    for (const thing of whole ? [] : own) this.#announce(`${this.#person.name}: new mail, ${thing.subject}`);
    return own.length;
  }

  #unreadOf(alias) {
    return [...this.#items.values()].filter(({ thing }) => !thing.read && thing.person === alias).length;
  }

  #look(alias) {
    this.#close();
    this.#whose = alias;
    this.#lend();
    this.#sort();
  }

  // Offers the inboxes of others that have mails in them.
  #lend() {
    const lent = [...this.#lenders.keys()].filter((alias) => [...this.#items.values()].some(({ thing }) => thing.person === alias));
    const choices = [[this.#person.alias, "Own inbox"], ...lent.map((alias) => [alias, this.#lenders.get(alias).name])];
    if (this.#pick.options.length !== choices.length) this.#pick.replaceChildren(...choices.map(([value, label]) => h("option", { value }, label)));
    this.#pick.value = this.#whose;
    this.#pick.hidden = lent.length === 0;
  }

  // Shows the mails of whom one looks at, by day.
  #sort() {
    const person = this.#lenders.get(this.#whose) ?? this.#person;
    const unread = this.#unreadOf(this.#whose);
    let last = "";
    for (const { thing, element } of [...this.#items.values()].reverse()) {
      element.hidden = thing.person !== this.#whose;
      if (element.hidden) continue;
      const label = day(thing.at);
      if (label !== last) element.dataset.day = label;
      else delete element.dataset.day;
      last = label;
    }
    this.#empty.hidden = last !== "";
    this.#name.textContent = person.name;
    this.#about.textContent = unread ? `${unread} unread · ${person.upn}` : person.upn;
  }

  systemsAre(systems) {
    this.#systems.update(systems);
  }

  #put(thing) {
    const old = this.#items.get(thing.key);
    const element = this.#row(thing);
    if (old) {
      const focused = old.element.contains(document.activeElement);
      old.element.replaceWith(element);
      if (focused) element.querySelector("button").focus({ preventScroll: true });
    } else {
      this.#list.prepend(element);
      element.classList.add("arrived");
    }
    this.#items.set(thing.key, { thing, element });
  }

  #remove(key) {
    this.#items.get(key)?.element.remove();
    this.#items.delete(key);
    if (this.#open === key) this.#close();
  }

  #row(thing) {
    const sender = thing.from.name || thing.from.address;
    const open = h("button", { type: "button", class: "mail-row", "aria-current": this.#open === thing.key ? "true" : null, onclick: () => this.#read(thing) },
      h("span", { class: "mail-from" }, sender, !thing.read && h("span", { class: "unseen" }, " (unread)")),
      h("time", { datetime: thing.at }, clock(thing.at)),
      h("span", { class: "mail-subject" }, thing.subject),
      h("span", { class: "mail-preview" }, thing.preview));
    return h("li", { class: thing.read ? "mail" : "mail unread", dataset: { mail: thing.id } }, open);
  }

  // Opening a mail shows its card as it came; then the card asks for itself anew, as Outlook lets it.
  async #read(thing) {
    this.#open = thing.key;
    this.#letter.wait();
    this.element.classList.add("opened");
    this.#markCurrent();
    const { pane } = (await this.#ask("mail/open", {}, thing)) ?? {};
    if (!pane || this.#open !== thing.key) return;
    this.#letter.focus();
    if (pane.invokes) await this.#letter.whileFresh(this.#ask("mail/invoke", {}, thing));
  }

  #close() {
    const row = this.#items.get(this.#open)?.element.querySelector("button");
    this.#open = null;
    this.element.classList.remove("opened");
    this.#markCurrent();
    this.#letter.clear();
    row?.focus();
  }

  // Asks about the open mail, and shows what the answer says of it unless another one was opened meanwhile.
  async #ask(path, body, thing = this.#items.get(this.#open)?.thing) {
    try {
      const answer = await post(path, { person: thing.person, mail: thing.id, ...body });
      if (answer.changed) this.#adopt(answer.changed);
      if (answer.pane && this.#open === thing.key) this.#letter.show(answer.pane);
      return answer;
    } catch (problem) {
      this.#toasts.show(problem.message, "error");
      return null;
    }
  }

  async #forward(to, hostile) {
    if (await this.#ask("mail/forward", { to: to.alias, hostile })) this.#toasts.show(`Forwarded to ${to.name}${hostile ? ", with its card" : ""}`, "good");
  }

  #markCurrent() {
    for (const [key, { element }] of this.#items) element.querySelector("button").toggleAttribute("aria-current", key === this.#open);
  }
}
