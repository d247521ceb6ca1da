// The box in which people pick, edit and post an ARX as the tenant, and see what the service answers.

import { post } from "./api.js";
import { h } from "./dom.js";
import { Editor } from "./editor.js";
import { icon } from "./icons.js";
import { block } from "./json.js";
import { numbered, numberOf, renumbered } from "./numbers.js";
import { Standing } from "./standing.js";
import { Story } from "./story.js";
import { Terminal } from "./terminal.js";

const OPERATIONS = { 1: "CREATE", 2: "UPDATE", 3: "DELETE" };

export class Composer {
  #setup;
  #tenant;
  #adopt;
  #sample;
  #editor;
  #terminal;
  #standing;
  #storyStart = null;
  #story = new Story();
  #told = ""; // the number of the story that is followed
  #own = ""; // what was put into the box last: if it differs, somebody has written there
  #picks = [];
  #reading = h("p", { class: "reading", id: "arx-problem", role: "status" });
  #number = h("output", { class: "number" });
  #send;
  #answer = h("div", { class: "answer", "aria-live": "polite" });
  #body = h("div", { class: "answer" });

  constructor(setup, tenant, adopt) {
    this.#setup = setup;
    this.#tenant = tenant;
    this.#adopt = adopt;
    this.#terminal = new Terminal(setup, tenant);
    this.#standing = new Standing(setup.people, tenant.code);
    this.#editor = new Editor("The ARX to post, as JSON", (parsed, text) => this.#read(parsed, text));
    this.#send = h("button", { type: "button", class: "button primary", onclick: () => this.#post() }, icon("send"), h("span", {}, "Post as tenant"));
    if (tenant.lives) this.#storyStart = this.#start("story", "Run all seven steps");
    const renew = h("button", { type: "button", class: "button small", title: "Post the same sample as a new request", onclick: () => this.#renew() }, icon("plus"), "New number");
    this.element = h("div", { class: "composer" },
      h("div", { class: "starts" }, this.#start("start", "Start a request"), this.#storyStart),
      this.#story.element,
      h("div", { class: "picks" }, this.#groups(tenant.samples)),
      h("div", { class: "number-row" }, h("span", { class: "label" }, "Document"), this.#number, renew),
      this.#editor.element,
      this.#reading,
      h("div", { class: "send-row" }, this.#send, h("span", { class: "hint" }, h("kbd", {}, "Ctrl"), " ", h("kbd", {}, "Enter"))),
      this.#answer,
      this.#standing.element,
      this.#body,
      this.#terminal.element);
    this.#editor.element.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.#post();
    });
    if (tenant.samples.length) this.#choose(tenant.samples[0]);
  }

  // Something happened somewhere: it may concern the request in the box.
  stir() {
    this.#standing.stir();
  }

  renew(setup, tenant) {
    this.#terminal.renew(setup, tenant);
  }

  // The tenant's own system begins a request, as it would without anybody at this page.
  #start(path, label) {
    const button = h("button", { type: "button", class: "button small", onclick: () => this.#begin(button, path) }, icon(path === "start" ? "plus" : "auto"), h("span", {}, label));
    return button;
  }

  async #begin(button, path) {
    button.disabled = true;
    try {
      const { sent } = await post(path, { tenant: this.#tenant.code });
      if (!sent) return; // a story: how it goes on, its tenant tells
      button.disabled = false;
      this.#adopt([sent]);
      this.#lay(sent);
      this.#show(sent);
      this.stir();
    } catch (problem) {
      button.disabled = false;
      this.#complain(problem);
    }
  }

  // How far the story has come that runs by itself, null if there was none; *sent* is its CREATE, once it is there.
  storyIs(story, sent) {
    if (!this.#storyStart || !story) return;
    this.#storyStart.disabled = story.under_way;
    this.#story.show(story);
    if (!story.under_way || !sent || this.#told === story.number) return;
    this.#told = story.number;
    this.#lay(sent);
    this.#answer.replaceChildren();
    this.#body.replaceChildren();
    this.#follow(sent.arx);
  }

  // What the tenant posted by itself lies in the box, unless somebody's own words do.
  #lay({ body }) {
    if (this.#editor.text !== this.#own) return;
    this.#sample = undefined;
    for (const pick of this.#picks) pick.setAttribute("aria-pressed", "false");
    this.#put(body);
  }

  #put(text) {
    this.#own = text;
    this.#editor.text = text;
  }

  #groups(samples) {
    const names = [...new Set(samples.map((sample) => sample.group))];
    return names.map((name) => h("div", { class: "pick-row", role: "group", "aria-label": `Samples: ${name}` },
      h("span", { class: "label" }, name), samples.filter((sample) => sample.group === name).map((sample) => this.#pick(sample))));
  }

  #pick(sample) {
    const pick = h("button", { type: "button", class: `pick ${sample.operation.toLowerCase()}`, dataset: { sample: sample.name }, onclick: () => this.#choose(sample) }, sample.label);
    this.#picks.push(pick);
    return pick;
  }

  #choose(sample) {
    this.#sample = sample;
    for (const pick of this.#picks) pick.setAttribute("aria-pressed", String(pick.dataset.sample === sample.name));
    this.#put(numbered(sample.text));
  }

  #renew() {
    const now = numberOf(this.#editor.text);
    if (!now) return;
    const isOwn = this.#editor.text === this.#own;
    this.#editor.text = renumbered(this.#editor.text, now, numberOf(this.#sample?.text ?? ""));
    if (isOwn) this.#own = this.#editor.text;
  }

  #read(parsed, text) {
    this.#number.textContent = numberOf(text) ?? "none";
    this.#terminal.show(text);
    this.#standing.follow(numberOf(text) ?? "", parsed.value?.ApprovalIdentifier?.FiscalYear ?? "");
    this.#reading.classList.toggle("bad", "problem" in parsed);
    if ("problem" in parsed) {
      const jump = h("button", { type: "button", class: "link", onclick: () => this.#editor.show(parsed) }, `line ${parsed.line}, column ${parsed.column}`);
      this.#reading.replaceChildren(icon("warning"), h("span", {}, `${parsed.problem}, `, jump));
    } else {
      this.#reading.replaceChildren(icon("check"), h("span", {}, this.#saying(parsed.value)));
    }
  }

  #saying(arx) {
    const name = (alias) => this.#setup.people.find((one) => one.alias === String(alias).toLowerCase())?.name ?? alias;
    const list = (value) => (Array.isArray(value) ? value : []);
    const asked = list(arx?.Approvers).map((one) => name(one?.Alias));
    const dropped = list(arx?.DeleteFor).map(name);
    const parts = [OPERATIONS[arx?.Operation] ?? "Valid JSON", asked.length && `asks ${asked.join(", ")}`, dropped.length && `removes ${dropped.join(", ")}`];
    return parts.filter(Boolean).join(" · ");
  }

  async #post() {
    if (this.#send.disabled) return;
    this.#send.disabled = true;
    this.#send.classList.add("working");
    try {
      const answer = await post("arx", { tenant: this.#tenant.code, body: this.#editor.text });
      this.#adopt([answer.sent]);
      this.#show(answer.sent);
      this.stir();
    } catch (problem) {
      this.#complain(problem);
    } finally {
      this.#send.disabled = false;
      this.#send.classList.remove("working");
    }
  }

  #show({ status, answer, arx }) {
    const good = status >= 200 && status < 300;
    const number = this.#follow(arx);
    const body = answer === null || answer === undefined || answer === "" ? null : block(answer, "The service's answer");
    this.#answer.replaceChildren(
      h("p", { class: "answer-line" }, h("span", { class: `status ${good ? "good" : "bad"}` }, status ?? "no answer"), h("span", {}, outcome(status, answer)), good && number ? h("span", { class: "facts" }, `${number} was posted`) : null));
    this.#body.replaceChildren(...(body ? [body] : []));
  }

  #complain(problem) {
    this.#answer.replaceChildren(h("p", { class: "answer-line bad" }, icon("warning"), problem.message));
    this.#body.replaceChildren();
  }

  // From now on it is told what became of this request; returns its number.
  #follow(arx) {
    const { DocumentNumber: number, FiscalYear: year } = arx?.ApprovalIdentifier ?? {};
    if (number) this.#standing.follow(number, year ?? "");
    return number;
  }
}

// What the answer says, in a word: "applied", "duplicate", or the problem's own title.
function outcome(status, answer) {
  if (status === null || status === undefined) return typeof answer === "string" ? answer : "The service did not answer.";
  const words = { applied: "Applied", duplicate: "Known already: nothing was done again", partial: "Applied in part", superseded: "Older than what was applied" };
  return words[answer?.Disposition] ?? answer?.title ?? "";
}
