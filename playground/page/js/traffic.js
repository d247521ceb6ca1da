// What the tenant sent and received, newest first; each entry opens to its headers and bodies.

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { block } from "./json.js";
import { exactClock, took } from "./times.js";

const OPERATIONS = { 1: "CREATE", 2: "UPDATE", 3: "DELETE" };
const QUIET = new Set(["host", "accept", "accept-encoding", "user-agent", "content-length", "connection"]);

const LOST = { dropped: "answer lost", unheard: "not received" }; // by how it ended: nobody got the answer
const UNREADABLE = { garbage: "unreadable", wrong_document: "wrong answer", dripping: "unreadable", endless: "unreadable", huge: "unreadable" };

export class Traffic {
  #people;
  #entries = new Map(); // key -> {thing, element}
  #list = h("ol", { class: "entries", "aria-label": "Traffic, newest first" });
  #empty = h("div", { class: "empty" }, h("p", { class: "empty-title" }, "No traffic yet"), h("p", {}, "What the tenant sends and receives is listed here as it happens."));

  constructor(people) {
    this.#people = people;
    this.element = h("div", { class: "traffic" }, this.#empty, this.#list);
  }

  get count() {
    return this.#entries.size;
  }

  // The CREATE of this number that the tenant sent, if it did.
  createdAs(number) {
    const things = [...this.#entries.values()].map(({ thing }) => thing);
    return things.find(({ kind, arx }) => kind === "sent" && arx?.Operation === 1 && arx.ApprovalIdentifier?.DocumentNumber === number);
  }

  update(things, gone) {
    for (const key of gone) this.#remove(key);
    for (const thing of things) this.#put(thing);
    this.#empty.hidden = this.#entries.size > 0;
  }

  #remove(key) {
    this.#entries.get(key)?.element.remove();
    this.#entries.delete(key);
  }

  #put(thing) {
    const old = this.#entries.get(thing.key);
    const element = thing.kind === "sent" ? this.#sent(thing) : this.#received(thing);
    if (old) {
      element.open = old.element.firstElementChild.open;
      const item = h("li", { dataset: { key: thing.key } }, element);
      old.element.replaceWith(item);
      this.#entries.set(thing.key, { thing, element: item });
      return;
    }
    const item = h("li", { dataset: { key: thing.key, at: thing.at } }, element);
    const before = [...this.#list.children].find((other) => this.#entries.get(other.dataset.key).thing.at <= thing.at);
    this.#list.insertBefore(item, before ?? null);
    this.#entries.set(thing.key, { thing, element: item });
  }

  #sent(thing) {
    const operation = OPERATIONS[thing.arx?.Operation];
    const title = operation ? [h("span", { class: `op ${operation.toLowerCase()}` }, operation), " ", h("span", { class: "entry-document" }, documentOf(thing.arx))] : ["ARX"];
    return h("details", { class: "entry sent" },
      summary("out", "Tenant sent", title, statusOf(thing.status, thing.status === null ? "no answer" : null), thing.at, disposition(thing.answer)),
      part("What the tenant posted", block(thing.body, "Body posted")),
      part("What the service answered", thing.answer === null ? h("p", { class: "none" }, "Nothing.") : block(thing.answer, "Answer of the service")));
  }

  #received(thing) {
    const one = Array.isArray(thing.body) ? thing.body[0] : thing.body;
    const action = thing.api === "action";
    const title = action
      ? [h("strong", {}, one?.Action ?? "ApprovalRequest"), ` by ${this.#name(one?.ActionByAlias)} · `, h("span", { class: "entry-document" }, documentsOf(thing.body))]
      : [h("strong", {}, thing.api), " ", h("span", { class: "entry-document" }, whatWasRead(thing.path))];
    const waiting = thing.outcome === "waiting";
    const lost = LOST[thing.outcome] ?? UNREADABLE[thing.fault];
    const pill = waiting ? h("span", { class: "status waiting" }, "waiting") : statusOf(thing.status ?? "answered", lost, thing.status < 300 && said(thing.answer) !== false);
    return h("details", { class: "entry received" },
      summary("in", "Tenant received", title, pill, thing.at, notes(thing), thing.answered_at && took(thing.at, thing.answered_at)),
      part(`${thing.method} ${thing.path}`, headers(thing.headers)),
      ...(action ? [part("ApprovalRequest", block(thing.body, "ApprovalRequest received"))] : []),
      part(thing.outcome in LOST ? "What the tenant did, though its answer never arrived" : "How the tenant answered", thing.answer === null ? h("p", { class: "none" }, "Nothing yet.") : block(thing.answer, "The tenant's answer")));
  }

  #name(alias) {
    return this.#people.find((one) => one.alias === String(alias).toLowerCase())?.name ?? alias ?? "somebody";
  }
}

function summary(direction, said, title, pill, at, note, duration) {
  return h("summary", {},
    h("span", { class: `direction ${direction}`, title: said }, icon(direction), h("span", { class: "unseen" }, said)),
    h("span", { class: "entry-title" }, h("span", { class: "entry-name" }, title), h("span", { class: "entry-note" }, [exactClock(at), duration, note].filter(Boolean).join(" · "))),
    pill);
}

function part(label, ...content) {
  return h("section", { class: "part" }, h("h3", {}, label), ...content);
}

function headers(all) {
  const rows = Object.entries(all ?? {}).filter(([name]) => !QUIET.has(name.toLowerCase()));
  return h("dl", { class: "headers" }, rows.flatMap(([name, value]) => [h("dt", {}, name), h("dd", { title: value }, shortened(value))]));
}

function shortened(value) {
  return value.length > 90 ? `${value.slice(0, 60)}… (${value.length} characters)` : value;
}

function statusOf(status, instead, good = status >= 200 && status < 300) {
  return h("span", { class: `status ${instead || !good ? "bad" : "good"}` }, instead ?? status);
}

function documentOf(body) {
  return body?.ApprovalIdentifier?.DisplayDocumentNumber ?? body?.ApprovalIdentifier?.DocumentNumber ?? "";
}

// What stands behind the API's name in a path: "LINE · PR-2026-00417".
function whatWasRead(path) {
  return path.split("?")[0].split("/").slice(4).map(decodeURIComponent).join(" · ");
}

// Of an array the first one's, and how many more there are.
function documentsOf(body) {
  if (!Array.isArray(body)) return documentOf(body);
  return body.length > 1 ? `${documentOf(body[0])} and ${body.length - 1} more` : documentOf(body[0]);
}

function disposition(answer) {
  return answer?.Disposition ?? answer?.title;
}

function notes(thing) {
  const facts = [thing.applied && "applied", thing.repeated && "known Idempotency-Key", said(thing.answer) === false && "refused", thing.fault && `switch: ${thing.fault.replaceAll("_", " ")}`];
  return facts.filter(Boolean).join(" · ");
}

// ActionResult of an ApprovalResponse, the first of several; undefined if it is none.
function said(answer) {
  return (Array.isArray(answer) ? answer[0] : answer)?.ActionResult;
}
