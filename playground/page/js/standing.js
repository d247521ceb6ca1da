// What became of the request in the box, for each approver, as the service tells the tenant.

import { get } from "./api.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { clock } from "./times.js";

const LOOKS_AGAIN = [150, 900, 2500, 6000]; // milliseconds after something happened: people are looked up after the 200
const LOOKS_EVERY = 15000; // milliseconds, while the page is seen: what takes longer than that may happen unseen
const NOT_YET = "not looked up yet"; // the service's reason for somebody who may well be found
const STATES = {
  pending: "asked",
  submitting: "decided, being told to us",
  retrying: "decided, told to us again later",
  unconfirmed: "decided, our answer did not arrive",
  accepted: "decided",
  removed: "no longer asked",
};

const OCCASIONS = { asked: "mail", ended: "mail of the end", reminder: "reminder" };
// The service's reasons of mails that wait and were never tried, and what is said of them here.
const CALM = {
  "its turn has not come yet": "waits for its turn",
  "it waits until the people asked are looked up": "waits until the people asked are looked up",
  "it waits for the details": "waits for the details",
};
const MAILS = {
  sending: "being sent",
  waiting: "waits to be sent again",
  sent: "taken by the mail system",
  lost: "sent, and no answer came: nobody knows whether it was taken",
  refused: "refused",
  bounced: "came back",
  dropped: "not needed any more, so not sent",
};

export class Standing {
  #people;
  #tenant;
  #asked = { number: "", year: "" };
  #timers = [];
  #number = h("span", { class: "number" });
  #list = h("ul", { class: "approvers", "aria-label": "Approvers" });
  #mails = h("ul", { class: "approvers", "aria-label": "Mails" });
  #none = h("p", { class: "facts", hidden: true }, "No mails: its NotificationDetail asks for none.");

  constructor(people, tenant) {
    this.#people = people;
    this.#tenant = tenant;
    this.element = h("section", { class: "standing", "aria-live": "polite", hidden: true },
      h("h3", {}, "What became of it", this.#number), this.#list, this.#mails, this.#none);
  }

  // Follow the request with this number; "" follows none.
  follow(number, year) {
    if (this.#asked.number === number && this.#asked.year === year) return;
    this.#asked = { number, year };
    this.#number.textContent = ` ${number}`;
    this.#show(null);
    this.stir();
  }

  // Something happened: look now, and a little later.
  stir() {
    for (const timer of this.#timers) clearTimeout(timer); // also the one that repeats: their numbers are of one list
    const soon = () => LOOKS_AGAIN.map((after) => setTimeout(() => this.#look(), after));
    this.#timers = this.#asked.number ? [...soon(), setInterval(() => this.#lookIfSeen(), LOOKS_EVERY)] : [];
  }

  // Only the tenant that is looked at is in the page.
  #lookIfSeen() {
    if (this.element.isConnected && document.visibilityState === "visible") this.#look();
  }

  async #look() {
    const asked = this.#asked;
    const { told } = await get(`request?${new URLSearchParams({ tenant: this.#tenant, ...asked })}`).catch(() => ({ told: null }));
    if (asked === this.#asked) this.#show(told);
  }

  #show(told) {
    const approvers = told?.Approvers ?? [];
    const mails = [...approvers.flatMap((approver) => approver.Mails), ...(told?.Mails ?? [])];
    fill(this.#list, approvers.map((approver) => this.#row(approver)));
    fill(this.#mails, mails.map((mail) => mailRow(mail)));
    this.#none.hidden = mails.length > 0;
    this.element.hidden = approvers.length === 0 && mails.length === 0;
  }

  #row(approver) {
    const lookedUp = approver.Reachable !== false || approver.Reason !== NOT_YET;
    const lost = lookedUp && approver.Reachable === false;
    const known = this.#people.find((one) => one.alias === approver.Alias.toLowerCase())?.name;
    const name = approver.Person?.Name ?? known ?? approver.Name;
    const state = [STATES[approver.State] ?? approver.State, approver.LastRefusal && "came back", lost ? null : lookedUp ? shown(approver) : "being looked up"].filter(Boolean).join(" · ");
    return h("li", { class: lost ? "lost" : lookedUp ? null : "calm" },
      icon(lost ? "warning" : lookedUp ? "check" : "clock"),
      h("span", {}, h("strong", {}, name || approver.Alias), name ? ` ${approver.Alias}` : "", " ", h("span", { class: "facts" }, state), lost && h("span", { class: "why" }, ` · cannot be reached: ${approver.Reason}`)));
  }
}

function shown({ Cards: cards, State: state }) {
  if (cards.some((card) => card.State === "shown")) return "has a card";
  return state === "removed" ? null : "no card yet";
}

// One mail's line: to whom, on which occasion, what became of it and why, and when it is tried again. Red is only what failed.
function mailRow({ Address: address, Occasion: occasion, State: state, Reason: reason, SentAt: sentAt, SeenAt: seenAt, NextAttemptAt: again }) {
  const calm = state === "waiting" ? CALM[reason] : null;
  const good = calm || ["sent", "sending", "dropped"].includes(state);
  const facts = [OCCASIONS[occasion] ?? occasion, (calm ?? MAILS[state] ?? state) + (sentAt ? ` ${clock(sentAt)}` : ""), seenAt && `opened ${clock(seenAt)}`].filter(Boolean).join(" · ");
  const why = !calm && reason && h("span", { class: "why" }, ` · ${reason}`);
  const next = !good && again && h("span", { class: "why" }, ` · again at ${clock(again)}`);
  return h("li", { class: calm ? "calm" : good ? null : "lost" }, icon(calm ? "clock" : good ? "mail" : "warning"),
    h("span", {}, address, " ", h("span", { class: "facts" }, facts), why, next));
}

// What says the same stays: a screen reader would read it again.
function fill(list, rows) {
  if (list.textContent !== rows.map((row) => row.textContent).join("")) list.replaceChildren(...rows);
}
