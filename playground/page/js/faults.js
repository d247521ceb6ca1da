// A tenant's switches: how it answers decisions and reads, whether it goes on by itself, and letting go of what it holds.

import { post } from "./api.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";

// value, label, what the switch sends, its one number (name, label, start, least, most), what to know of it
const WELL = ["none", "as it should", null];
const STATUS = ["status", "with a status code", { kind: "status" }, ["status", "status", 500, 300, 599]];
const THROTTLED = ["throttled", "429, too many requests", { kind: "throttled" }, ["seconds", "seconds", 5, 1, 300]];
const UNREADABLE = [
  ["garbage", "200 with something unreadable", { kind: "garbage" }],
  ["wrong_document", "for another document", { kind: "wrong_document" }],
  ["redirect", "with a redirect", { kind: "redirect" }],
  ["dripping", "byte by byte, for ever", { kind: "dripping" }, ["seconds", "seconds each", 1, 1, 60]],
  ["endless", "with a body that never ends", { kind: "endless" }],
  ["huge", "with 100 MB", { kind: "huge" }],
];
const ACTIONS = [
  WELL,
  ["refuse1", "refusing, on purpose (ErrorType 1)", { kind: "refused", error_type: 1 }],
  ["refuse2", "refusing, by mistake (ErrorType 2)", { kind: "refused", error_type: 2 }, null, "What its card says is Assent's own documented sample, word for word, with the broken address in it."],
  ["refuse0", "refusing, without saying why", { kind: "refused", error_type: 0 }],
  ["transient", "try again later (ErrorType 3)", { kind: "transient" }, ["minutes", "minutes", 1, 1, 60]],
  ["transient_bare", "try again, without a RetryInterval", { kind: "transient", minutes: null }],
  ["transient_absurd", "try again in a million minutes", { kind: "transient", minutes: 1000000 }],
  ["slow", "slowly", { kind: "slow" }, ["seconds", "seconds", 5, 1, 300]],
  ["held", "never, until released", { kind: "held" }],
  ["lost", "applies it, then loses the answer", { kind: "lost_answer" }],
  STATUS,
  THROTTLED,
  ...UNREADABLE,
];
const ARRAYS = [
  ["short", "arrays: one answer is missing", { kind: "short" }],
  ["long", "arrays: one answer too many", { kind: "long" }],
  ["reordered", "arrays: in another order", { kind: "reordered" }],
  ["doubled", "arrays: every answer twice", { kind: "doubled" }],
  ["contradicted", "arrays: yes and no for each", { kind: "contradicted" }],
];
const READS = [WELL, STATUS, THROTTLED, ["lost", "loses the answer", { kind: "lost_answer" }], ...UNREADABLE];

// One select with its number: what the tenant does wrong at one of its doors.
class Switch {
  #choices;
  #choice;
  #number = h("input", { type: "number", inputmode: "numeric" });
  #unit = h("span", {});
  #numberLabel;
  #hint;
  #changed;

  constructor(id, label, choices, changed) {
    this.#choices = choices;
    this.#changed = changed;
    this.#choice = h("select", { id, onchange: () => { this.#showNumber(); changed(); } }, choices.map(([value, text]) => h("option", { value }, text)));
    this.#numberLabel = h("label", { class: "fault-number" }, this.#number, this.#unit);
    this.#number.addEventListener("change", () => changed());
    this.#hint = h("p", { class: "hint", id: `${id}-hint` });
    this.#choice.setAttribute("aria-describedby", this.#hint.id);
    this.element = h("div", { class: "fault-row" }, h("label", { for: id }, label), this.#choice, this.#numberLabel, this.#hint);
    this.#showNumber();
  }

  get isOn() {
    return this.#choice.value !== "none";
  }

  // What the playground is to be told; null: nothing goes wrong.
  get fault() {
    const [, , sends, number] = this.#now();
    return sends && { ...sends, ...(number ? { [number[0]]: Number(this.#number.value) } : {}) };
  }

  show(fault) {
    const fits = this.#choices.filter(([, , sends]) => (fault ? sends && Object.entries(sends).every(([name, value]) => fault[name] === value) : !sends));
    const chosen = fits.sort((one, other) => Object.keys(other[2] ?? {}).length - Object.keys(one[2] ?? {}).length)[0] ?? this.#choices[0];
    this.#choice.value = chosen[0];
    this.#showNumber();
    if (fault && chosen[3]) this.#number.value = fault[chosen[3][0]];
  }

  #now() {
    return this.#choices.find(([value]) => value === this.#choice.value);
  }

  #showNumber() {
    const [, , , number, hint] = this.#now();
    this.#hint.textContent = hint ?? "";
    this.#hint.hidden = !hint;
    this.#numberLabel.hidden = !number;
    if (!number) return;
    const [, label, start, least, most] = number;
    this.#number.min = least;
    this.#number.max = most;
    this.#number.value = start;
    this.#unit.textContent = label;
  }
}

export class Faults {
  #tenant;
  #onError;
  #actions;
  #reads;
  #once = h("input", { type: "checkbox" });
  #keys = h("input", { type: "checkbox" });
  #byItself = h("input", { type: "checkbox" });
  #release;

  constructor(tenant, onError) {
    this.#tenant = tenant.code;
    this.#onError = onError;
    this.#actions = new Switch("fault", "Answers", tenant.bulk ? [...ACTIONS, ...ARRAYS] : ACTIONS, () => this.#set());
    this.#reads = new Switch("read-fault", "Reads", READS, () => this.#set("reads"));
    this.#release = h("button", { type: "button", class: "button small release", hidden: true, onclick: () => this.#ask("release", {}) });
    this.#once.addEventListener("change", () => { if (this.#actions.isOn) this.#set(); if (this.#reads.isOn) this.#set("reads"); });
    this.#keys.addEventListener("change", () => this.#ask("keys", { honours: this.#keys.checked }));
    this.#byItself.addEventListener("change", () => this.#ask("by-itself", { on: this.#byItself.checked }));
    this.element = h("div", { class: "faults", role: "group", "aria-label": "How the tenant behaves" },
      this.#actions.element,
      this.#reads.element,
      h("div", { class: "fault-row" },
        h("label", { class: "check" }, this.#once, "only the next call"),
        h("label", { class: "check", title: "Answers a known Idempotency-Key as it did the first time, and does nothing again" }, this.#keys, "honours Idempotency-Key"),
        h("label", { class: "check", title: "Sends the ARX that follows from a decision: the next level, or the end" }, this.#byItself, "goes on by itself"),
        this.#release));
    this.#once.disabled = true;
  }

  // The playground's own state: it is what counts, also when another window changed it.
  update({ faults, read_faults: readFaults, honours_keys: honoursKeys, held, by_itself: byItself }) {
    const [fault] = faults;
    const [readFault] = readFaults;
    this.#actions.show(fault);
    this.#reads.show(readFault);
    if (fault ?? readFault) this.#once.checked = (fault ?? readFault).times !== null;
    this.#once.disabled = !fault && !readFault;
    this.#keys.checked = honoursKeys;
    this.#byItself.checked = byItself;
    this.#release.hidden = held === 0;
    this.#release.replaceChildren(icon("out"), held === 1 ? "Release the held call" : `Release ${held} held calls`);
    this.element.classList.toggle("on", Boolean(fault ?? readFault));
  }

  #set(of = "actions") {
    const { fault } = of === "reads" ? this.#reads : this.#actions;
    return this.#ask("fault", { of, fault: fault && { ...fault, times: this.#once.checked ? 1 : null } });
  }

  async #ask(path, body) {
    try {
      await post(path, { tenant: this.#tenant, ...body });
    } catch (problem) {
      this.#onError(problem.message);
    }
  }
}
