// The switches of the mail systems' doors: what goes wrong when the service hands over a mail.

import { post } from "./api.js";
import { h } from "./dom.js";

// value -> what it is called, how mails come, what the switch sends
const CHOICES = {
  none: ["as they should"],
  greylisted: ["SMTP: not yet (greylisting)", "smtp", { kind: "greylisted", times: 1 }],
  lost: ["SMTP: lost after DATA", "smtp", { kind: "lost_answer", times: 1 }],
  dropped: ["SMTP: drops the connection", "smtp", { kind: "dropped", times: 1 }],
  unknown: ["SMTP: unknown recipient (550)", "smtp", { kind: "no_recipient" }],
  refused: ["SMTP: refuses the content (554)", "smtp", { kind: "content_refused" }],
  throttled: ["Graph: 429, again in 30 seconds", "graph", { kind: "throttled", seconds: 30, times: 1 }],
  graph_lost: ["Graph: loses the answer", "graph", { kind: "lost_answer", times: 1 }],
  graph_down: ["Graph: 503", "graph", { kind: "status", status: 503 }],
};

export class MailSystems {
  #choice;
  #onError;

  constructor(onError) {
    this.#onError = onError;
    this.#choice = h("select", { "aria-label": "How the mail systems behave", onchange: () => this.#set() },
      Object.entries(CHOICES).map(([value, [label]]) => h("option", { value }, label)));
    this.element = h("label", { class: "mail-systems" }, h("span", {}, "Mail systems"), this.#choice);
  }

  // *faults* are the playground's own, by how mails come ("smtp", "graph").
  update(faults) {
    const on = Object.entries(CHOICES).find(([, [, via, sends]]) => via && faults[via] && Object.entries(sends).every(([name, value]) => faults[via][name] === value));
    this.#choice.value = on?.[0] ?? "none";
    this.element.classList.toggle("on", Object.keys(faults).length > 0);
  }

  async #set() {
    const [, via, fault] = CHOICES[this.#choice.value];
    try {
      for (const of of ["smtp", "graph"]) await post("mail/fault", { of, fault: of === via ? fault : null });
    } catch (problem) {
      this.#onError(problem.message);
    }
  }
}
