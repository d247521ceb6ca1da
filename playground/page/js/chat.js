// One person's Teams chat with the bot: header, messages, cards, compose box. Draws a message anew only when it changed.

import { post } from "./api.js";
import { CardView, markdownText } from "./card.js";
import { h, initials } from "./dom.js";
import { icon } from "./icons.js";
import { clock, day } from "./times.js";
import { Toasts } from "./toast.js";

const NEAR_THE_END = 48; // pixels: who is this close to the newest message stays with it
const COMMANDS = ["help", "pending"];
// value -> what it is called, and what it means
const APP = {
  installed: ["Installed", "The bot can send, and change its cards"],
  blocked: ["Blocked", "Teams refuses what the bot sends (403)"],
  removed: ["Removed", "The bot was told so, and cannot open a chat"],
};

export class Chat {
  #person;
  #adopt;
  #announce;
  #messages = new Map(); // key -> {thing, element, card}
  #toasts = new Toasts();
  #list;
  #scroller;
  #empty;
  #app;
  #atEnd = true;
  #sight;
  #pressed = null; // the id of the message that a finger or button is down on
  #postponed = null; // what came for it meanwhile: (thing, whole)

  // *adopt* takes the things that an answer of the API brought; *announce* tells a screen reader.
  constructor(person, { adopt, announce }) {
    this.#person = person;
    this.#adopt = adopt;
    this.#announce = announce;
    this.#list = h("ol", { class: "messages", role: "log", "aria-live": "off", "aria-label": `Messages of ${person.name}` });
    this.#empty = emptyState();
    this.#sight = new IntersectionObserver((entries) => this.#seen(entries));
    this.#scroller = h("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": `Chat of ${person.name}` }, this.#empty, this.#list);
    this.element = h("article", { class: "chat", id: `chat-${person.alias}`, "aria-label": `${person.name}'s chat with Approvals`, dataset: { person: person.alias } },
      this.#header(), this.#toasts.element, this.#scroller, this.#compose());
    new ResizeObserver(() => this.#atEnd && this.#toEnd()).observe(this.#scroller);
    this.#scroller.addEventListener("scroll", () => (this.#atEnd = this.#isAtEnd()), { passive: true });
    this.#list.addEventListener("pointerdown", (event) => (this.#pressed = event.target.closest(".message")?.dataset.message ?? null));
    for (const end of ["pointerup", "pointercancel"]) document.addEventListener(end, () => setTimeout(() => this.#letGo())); // after the click
  }

  // *state*: whether this person has the bot's app installed, blocked or removed.
  appIs(state) {
    this.#app.value = state;
    this.element.dataset.app = state;
    this.#app.title = APP[state][1];
    this.element.querySelector(".compose").inert = state !== "installed"; // nobody can write to a bot that he does not have
  }

  #header() {
    const person = this.#person;
    this.#app = h("select", { class: "app", "aria-label": `The app in ${person.name}'s Teams`, onchange: () => this.#ask("app", { state: this.#app.value }) },
      Object.entries(APP).map(([value, [label]]) => h("option", { value }, label)));
    return h("header", { class: "chat-head" },
      h("span", { class: "avatar person", dataset: { tone: person.alias }, "aria-hidden": "true" }, initials(person.name), h("span", { class: "presence" })),
      h("div", { class: "who" }, h("h2", {}, person.name), h("p", {}, person.upn)),
      this.#app);
  }

  toast(text, kind) {
    this.#toasts.show(text, kind);
  }

  // Returns how many messages are new or changed.
  update(things, gone, whole) {
    const before = this.#atEnd;
    for (const key of gone) this.#remove(key);
    for (const thing of things) this.#put(thing, whole);
    this.#empty.hidden = this.#messages.size > 0;
    this.#markDays();
    if (before) this.#toEnd();
    return things.length;
  }

  // A card that were drawn anew between press and release would lose the click.
  #letGo() {
    const postponed = this.#postponed;
    this.#pressed = this.#postponed = null;
    if (postponed) this.#put(...postponed);
  }

  #put(thing, whole) {
    const old = this.#messages.get(thing.key);
    if (old && sameFace(old.thing, thing)) return this.#keep(old, thing);
    if (old && thing.id === this.#pressed) return (this.#postponed = [thing, whole]);
    const typed = old?.card?.typed();
    const card = thing.card && new CardView(thing.card, { key: thing.key, onInvoke: (action, inputs) => this.#ask("click", { message: thing.id, action, inputs }) });
    const element = this.#draw(thing, card);
    if (old) old.element.replaceWith(element);
    else this.#list.append(element);
    this.#messages.set(thing.key, { thing, element, card });
    card?.placed();
    if (typed && card) card.retype(typed);
    if (old?.card?.busy) card?.wait(old.card.busy);
    if (thing.card?.refresh) this.#sight.observe(element);
    if (whole) return;
    element.classList.add(old ? "changed" : "arrived");
    if (thing.sender === "bot") this.#announce(`${this.#person.name}: ${thing.card?.speak || thing.text || "a card"}`);
  }

  // Only what stands around the card changed: the card stays, with all that was opened and typed in it.
  #keep(old, thing) {
    old.thing = thing;
    old.element.dataset.revision = String(thing.revision);
    old.element.firstElementChild.replaceWith(this.#meta(thing));
  }

  // Teams refreshes a card that comes into sight; the playground knows how often.
  #seen(entries) {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      this.#sight.unobserve(target);
      post("opened", { person: this.#person.alias, message: target.dataset.message })
        .then(({ changed }) => this.#adopt(changed), () => {});
    }
  }

  #remove(key) {
    this.#messages.get(key)?.element.remove();
    this.#messages.delete(key);
  }

  #draw(thing, card) {
    const bot = thing.sender === "bot";
    const body = card ? card.element : bot ? h("div", { class: "bubble" }, markdownText(thing.text)) : h("div", { class: "bubble" }, thing.text);
    return h("li", { class: `message from-${thing.sender}`, dataset: { message: thing.id, revision: String(thing.revision), at: thing.at } }, this.#meta(thing), body);
  }

  #meta(thing) {
    const bot = thing.sender === "bot";
    return h("div", { class: "meta" },
      bot && h("span", { class: "avatar bot", "aria-hidden": "true" }, icon("check")),
      bot && h("span", { class: "author" }, "Approvals"),
      h("time", { datetime: thing.at }, clock(thing.at)),
      thing.edited && h("span", { class: "edited" }, "Edited"),
      thing.card?.refresh && this.#refreshButton(thing));
  }

  #refreshButton(thing) {
    const refresh = async () => {
      button.disabled = true;
      await this.#ask("refresh", { message: thing.id });
      button.disabled = false;
    };
    const button = h("button", { type: "button", class: "quiet refresh", title: "Refresh card", "aria-label": "Refresh card", onclick: refresh }, icon("sync"));
    return button;
  }

  async #ask(path, body) {
    try {
      const answer = await post(path, { person: this.#person.alias, ...body });
      if (answer.changed) this.#adopt(answer.changed);
      if (answer.toast) this.toast(answer.toast.text, answer.toast.kind);
    } catch (problem) {
      this.toast(problem.message, "error");
    }
  }

  #compose() {
    const box = h("textarea", { rows: "1", placeholder: "Type a message", "aria-label": `Message from ${this.#person.name} to Approvals`, enterkeyhint: "send" });
    const send = h("button", { type: "submit", class: "send", "aria-label": "Send", title: "Send", disabled: true }, icon("send"));
    const say = (text) => text.trim() && this.#ask("say", { text: text.trim() });
    const fit = () => {
      send.disabled = !box.value.trim();
      box.style.height = "auto";
      box.style.height = `${Math.min(box.scrollHeight, 120)}px`;
    };
    const submit = (event) => {
      event.preventDefault();
      this.#atEnd = true;
      say(box.value);
      box.value = "";
      fit();
    };
    box.addEventListener("input", fit);
    box.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) submit(event);
    });
    const chips = COMMANDS.map((command) => h("button", { type: "button", class: "chip", onclick: () => { this.#atEnd = true; say(command); } }, command));
    return h("form", { class: "compose", onsubmit: submit }, h("div", { class: "chips", role: "group", "aria-label": "Commands" }, chips), h("div", { class: "compose-box" }, box, send));
  }

  #markDays() {
    let last = "";
    for (const item of this.#list.children) {
      const label = day(item.dataset.at);
      if (label !== last) item.dataset.day = label;
      else delete item.dataset.day;
      last = label;
    }
  }

  #isAtEnd() {
    return this.#scroller.scrollHeight - this.#scroller.scrollTop - this.#scroller.clientHeight < NEAR_THE_END;
  }

  #toEnd() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }
}

function sameFace(one, other) {
  return one.text === other.text && JSON.stringify(one.card) === JSON.stringify(other.card);
}

function emptyState() {
  return h("div", { class: "empty" },
    h("span", { class: "empty-mark", "aria-hidden": "true" }, icon("chat")),
    h("p", { class: "empty-title" }, "Nothing to approve yet"),
    h("p", {}, h("span", { class: "when-wide" }, "Post the CREATE on the right to see it arrive."), h("span", { class: "when-narrow" }, "Post the CREATE under Tenant to see it arrive.")));
}
