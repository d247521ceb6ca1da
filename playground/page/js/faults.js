// The tenant's fault switches: how it answers the next decisions, and letting go of what it holds.

import { post } from "./api.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";

// value, label, what the switch sends, its one number (name, label, start, least, most)
const CHOICES = [
  ["none", "as it should", null],
  ["refuse1", "refusing, on purpose (ErrorType 1)", { kind: "refused", error_type: 1 }],
  ["refuse2", "refusing, by mistake (ErrorType 2)", { kind: "refused", error_type: 2 }],
  ["transient", "try again later (ErrorType 3)", { kind: "transient" }, ["minutes", "minutes", 1, 1, 60]],
  ["slow", "slowly", { kind: "slow" }, ["seconds", "seconds", 5, 1, 300]],
  ["held", "never, until released", { kind: "held" }],
  ["lost", "applies it, then loses the answer", { kind: "lost_answer" }],
  ["status", "with a status code", { kind: "status" }, ["status", "status", 500, 400, 599]],
  ["throttled", "429, too many requests", { kind: "throttled" }, ["seconds", "seconds", 5, 1, 300]],
  ["garbage", "200 with something unreadable", { kind: "garbage" }],
];

export class Faults {
  #onError;
  #choice;
  #number = h("input", { type: "number", inputmode: "numeric" });
  #unit = h("span", {});
  #once = h("input", { type: "checkbox" });
  #keys = h("input", { type: "checkbox" });
  #release;
  #numberLabel;

  constructor(onError) {
    this.#onError = onError;
    this.#choice = h("select", { id: "fault", onchange: () => this.#chosen() }, CHOICES.map(([value, label]) => h("option", { value }, label)));
    this.#numberLabel = h("label", { class: "fault-number" }, this.#number, this.#unit);
    this.#release = h("button", { type: "button", class: "button small release", hidden: true, onclick: () => this.#ask("release", {}) });
    this.#number.addEventListener("change", () => this.#set());
    this.#once.addEventListener("change", () => this.#set());
    this.#keys.addEventListener("change", () => this.#ask("keys", { honours: this.#keys.checked }));
    this.element = h("div", { class: "faults", role: "group", "aria-label": "How the tenant behaves" },
      h("div", { class: "fault-row" }, h("label", { for: "fault" }, "Answers"), this.#choice, this.#numberLabel),
      h("div", { class: "fault-row" },
        h("label", { class: "check" }, this.#once, "only the next call"),
        h("label", { class: "check", title: "Answers a known Idempotency-Key as it did the first time, and does nothing again" }, this.#keys, "honours Idempotency-Key"),
        this.#release));
    this.#showNumber();
  }

  // The playground's own state: it is what counts, also when another window changed it.
  update({ faults, honours_keys: honoursKeys, held }) {
    const [fault] = faults;
    const chosen = CHOICES.find(([, , sends]) => (fault ? sends && sends.kind === fault.kind && (sends.error_type ?? fault.error_type) === fault.error_type : !sends)) ?? CHOICES[0];
    this.#choice.value = chosen[0];
    this.#showNumber();
    if (fault) {
      this.#once.checked = fault.times !== null;
      if (chosen[3]) this.#number.value = fault[chosen[3][0]];
    }
    this.#keys.checked = honoursKeys;
    this.#release.hidden = held === 0;
    this.#release.replaceChildren(icon("out"), held === 1 ? "Release the held call" : `Release ${held} held calls`);
    this.element.classList.toggle("on", Boolean(fault));
  }

  #chosen() {
    this.#showNumber();
    this.#set();
  }

  #showNumber() {
    const number = this.#now()[3];
    this.#numberLabel.hidden = !number;
    this.#once.disabled = this.#choice.value === "none";
    if (!number) return;
    const [, label, start, least, most] = number;
    this.#number.min = least;
    this.#number.max = most;
    this.#number.value = start;
    this.#unit.textContent = label;
  }

  #now() {
    return CHOICES.find(([value]) => value === this.#choice.value);
  }

  #set() {
    const [, , sends, number] = this.#now();
    if (!sends) return this.#ask("fault", { fault: null });
    const amount = number ? { [number[0]]: Number(this.#number.value) } : {};
    return this.#ask("fault", { fault: { ...sends, ...amount, times: this.#once.checked ? 1 : null } });
  }

  async #ask(path, body) {
    try {
      await post(path, body);
    } catch (problem) {
      this.#onError(problem.message);
    }
  }
}
