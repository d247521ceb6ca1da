// The switches of the mail system's door: what goes wrong when the service hands over a mail.

import { post } from "./api.js";
import { h } from "./dom.js";

const WELL = ["none", "as it should", null];
// By how mails come: value, what it is called, what the switch sends.
const CHOICES = {
  smtp: [
    WELL,
    ["greylisted", "SMTP: not yet (greylisting)", { kind: "greylisted", times: 1 }],
    ["lost", "SMTP: lost after DATA", { kind: "lost_answer", times: 1 }],
    ["dropped", "SMTP: drops the connection", { kind: "dropped", times: 1 }],
    ["unknown", "SMTP: unknown recipient (550)", { kind: "no_recipient" }],
    ["refused", "SMTP: refuses the content (554)", { kind: "content_refused" }],
  ],
  graph: [
    WELL,
    ["throttled", "Graph: 429, again in 30 seconds", { kind: "throttled", seconds: 30, times: 1 }],
    ["lost", "Graph: loses the answer", { kind: "lost_answer", times: 1 }],
    ["down", "Graph: 503", { kind: "status", status: 503 }],
  ],
};

export class MailSystems {
  #via = null;
  #choice = h("select", { "aria-label": "How the mail system behaves", onchange: () => this.#set() });
  #onError;

  constructor(onError) {
    this.#onError = onError;
    this.element = h("label", { class: "mail-systems" }, h("span", {}, "Mail system"), this.#choice);
  }

  // The playground's own state: *via* is "smtp" or "graph", *faults* are those at its door.
  update({ via, faults: [fault] }) {
    if (via !== this.#via) this.#choice.replaceChildren(...CHOICES[via].map(([value, label]) => h("option", { value }, label)));
    this.#via = via;
    const on = fault && CHOICES[via].find(([, , sends]) => sends && Object.entries(sends).every(([name, value]) => fault[name] === value));
    this.#choice.value = on?.[0] ?? "none";
    this.element.classList.toggle("on", Boolean(fault));
  }

  async #set() {
    const [, , fault] = CHOICES[this.#via].find(([value]) => value === this.#choice.value);
    try {
      await post("mail/fault", { fault });
    } catch (problem) {
      this.#onError(problem.message);
    }
  }
}
