// The reading pane: one mail with its card as Outlook shows it, or its HTML as others do, and why.

import { CardView } from "./card.js";
import { h, initials } from "./dom.js";
import { icon } from "./icons.js";
import { onSettings, settings } from "./settings.js";
import { clock, day } from "./times.js";

const SHOWS = [["card", "As Outlook"], ["html", "No card support"], ["reader", "Screen reader"]];
// No scripts in it, and links open windows of their own; same-origin lets this page measure its height.
const SANDBOX = "allow-same-origin allow-popups allow-popups-to-escape-sandbox";

export class Letter {
  #others;
  #onPress;
  #onForward;
  #mode = "card";
  #pane = null; // the mail as the playground told it
  #card = null;
  #fresh = null; // the promise of the card's own refresh
  #above = h("div", {});
  #text = h("div", {}); // a frame that is moved loads anew: it stays where it is
  #below = h("div", {});
  #content = h("div", { class: "letter-content" }, this.#above, this.#text, this.#below);
  #scroller;
  #forward;

  // *others* are to whom a mail can be forwarded. *onPress* gets (action, inputs), *onForward* (person, hostile).
  constructor(others, { onBack, onPress, onForward }) {
    this.#others = others;
    this.#onPress = onPress;
    this.#onForward = onForward;
    this.#scroller = h("div", { class: "letter-scroller", tabindex: "0", role: "region", "aria-label": "Reading pane" }, this.#content);
    this.element = h("section", { class: "letter", "aria-label": "Reading pane" }, this.#toolbar(onBack), this.#scroller);
    this.clear();
    onSettings(() => { if (this.#text.firstElementChild) this.#showText(true); });
  }

  // A mail was chosen and is not here yet.
  wait() {
    this.#pane = null;
    this.#card = null;
    this.element.classList.remove("idle");
    for (const part of [this.#above, this.#text, this.#below]) part.replaceChildren();
    this.#scroller.scrollTop = 0;
  }

  clear() {
    this.wait();
    this.element.classList.add("idle");
    this.#above.replaceChildren(h("p", { class: "letter-none" }, "Choose a mail to read it."));
  }

  focus() {
    this.#content.querySelector("h3")?.focus({ preventScroll: true });
  }

  show(pane) {
    const typed = this.#card?.typed();
    const status = this.#pane?.id === pane.id && this.#pane.status === pane.status;
    this.#pane = pane;
    this.#draw();
    if (typed) this.#card?.retype(typed);
    if (this.#fresh) this.#card?.wait(this.#fresh);
    if (pane.status && !status) this.#content.querySelector(".card-status")?.scrollIntoView({ block: "nearest" });
  }

  // The card cannot be pressed while it asks for itself anew: else a press might be about an older one.
  async whileFresh(asking) {
    this.#fresh = asking.finally(() => (this.#fresh = null));
    this.#card?.wait(this.#fresh);
    await this.#fresh;
  }

  // -- its parts

  #draw() {
    const { card, hides_body: hidesBody } = this.#pane;
    const asCard = this.#mode === "card" && card !== null;
    this.#card = asCard ? new CardView(card, { key: `mail-${this.#pane.person}-${this.#pane.id}`, app: "outlook", onInvoke: this.#onPress }) : null;
    this.#above.replaceChildren(
      ...this.#head(),
      ...this.#refusals(),
      ...(asCard ? [this.#card.element, ...this.#status()] : []),
      ...(this.#mode === "reader" ? [this.#spoken()] : []));
    this.#showText(this.#mode === "html" || (this.#mode === "card" && !(asCard && hidesBody)));
    this.#below.replaceChildren(...this.#remarks());
    this.#card?.placed();
  }

  #head() {
    const { subject, from, to, at } = this.#pane;
    const name = from.name || from.address;
    return [
      h("h3", { class: "letter-subject", tabindex: "-1" }, subject || "(no subject)"),
      h("div", { class: "letter-from" },
        h("span", { class: "avatar person", "aria-hidden": "true" }, initials(name)),
        h("p", { class: "letter-sender" }, name),
        h("time", { datetime: at }, `${day(at)} ${clock(at)}`),
        h("p", { class: "letter-addresses" }, from.name && h("span", {}, from.address), h("span", {}, `To: ${to.join("; ") || "nobody named"}`))),
    ];
  }

  #refusals() {
    const { refusals, card } = this.#pane;
    if (refusals.length === 0) return card === null && this.#mode === "card" ? [this.#noCard()] : [];
    return [h("div", { class: "refused", role: "note" }, icon("warning"),
      h("div", {}, h("strong", {}, "Outlook shows no card"), h("ul", {}, refusals.map((why) => h("li", {}, why)))))];
  }

  // None came in it: that is no mistake, but has two reasons that nobody can see.
  #noCard() {
    return h("p", { class: "no-card", role: "note" }, this.#pane.forwarded
      ? "No card: Outlook takes it out of a mail that is forwarded, for it was made for one reader."
      : "No card: the service puts one only into mails to those in To who are asked. Who stands in Cc or Bcc, or is told only, reads the text.");
  }

  #status() {
    const { status, failed } = this.#pane;
    if (!status) return [];
    return [h("p", { class: failed ? "card-status failed" : "card-status", role: failed ? "alert" : "status" }, icon(failed ? "warning" : "check"), status)];
  }

  #remarks() {
    const { remarks } = this.#pane;
    const light = this.#card ? [h("p", { class: "always-light" }, "Outlook shows cards light in the dark, too: it has no dark ones.")] : [];
    return this.#mode === "card" && remarks.length ? [...light, h("ul", { class: "remarks", "aria-label": "What Outlook did" }, remarks.map((one) => h("li", {}, one)))] : light;
  }

  #showText(wanted) {
    const shown = this.#text.firstElementChild?.getAttribute("src");
    if (!wanted) this.#text.replaceChildren();
    else if (shown !== this.#address()) this.#text.replaceChildren(this.#body());
  }

  // A frame knows what the system prefers only: the playground is told what the page shows.
  #address() {
    const { theme } = settings();
    return theme === "auto" ? this.#pane.body : `${this.#pane.body}?theme=${theme}`;
  }

  #body() {
    const frame = h("iframe", { class: "letter-body", title: "The mail's text", sandbox: SANDBOX, src: this.#address() });
    const fit = () => {
      const inside = frame.contentDocument?.documentElement;
      if (!inside) return;
      const border = frame.offsetHeight - frame.clientHeight; // without it the frame would scroll, too
      frame.style.height = `${Math.max(inside.offsetHeight, inside.scrollHeight > frame.clientHeight ? inside.scrollHeight : 0) + border}px`;
    };
    frame.addEventListener("load", () => {
      fit();
      new ResizeObserver(fit).observe(frame.contentDocument.documentElement);
    });
    return frame;
  }

  #spoken() {
    return h("ol", { class: "spoken", "aria-label": "What a screen reader reads" },
      this.#pane.spoken.map((line) => h("li", {}, line.map(({ role, text }) => [role && h("span", { class: role.startsWith("heading") ? "spoken-role spoken-heading" : "spoken-role" }, role), h("span", {}, text), " "]).flat())));
  }

  // -- its switches

  #toolbar(onBack) {
    const shows = h("select", { class: "tool", "aria-label": "Show the mail", onchange: () => { this.#mode = shows.value; if (this.#pane) this.#draw(); } },
      SHOWS.map(([value, label]) => h("option", { value }, label)));
    const phone = h("button", { type: "button", class: "tool only-wide", "aria-pressed": "false", title: "Phone width", "aria-label": "Phone width", onclick: () => phone.setAttribute("aria-pressed", String(this.#content.classList.toggle("phone"))) }, icon("phone"));
    this.#forward = this.#forwards();
    return h("div", { class: "letter-tools", role: "toolbar", "aria-label": "This mail" },
      h("button", { type: "button", class: "tool back", title: "Back to the inbox", "aria-label": "Back to the inbox", onclick: onBack }, icon("back")),
      shows, this.#forward, phone);
  }

  #forwards() {
    const group = (label, hostile) => h("optgroup", { label }, this.#others.map((one) => h("option", { value: `${hostile ? "!" : ""}${one.alias}` }, hostile ? `${one.name}, with the card` : one.name)));
    const select = h("select", { class: "tool", "aria-label": "Forward the mail", onchange: () => {
      const to = this.#others.find((one) => one.alias === select.value.replace("!", ""));
      const hostile = select.value.startsWith("!");
      select.value = "";
      if (to) this.#onForward(to, hostile);
    } },
      h("option", { value: "" }, "Forward to…"), group("As Microsoft 365 does", false), group("As an attacker would", true));
    return select;
  }
}
