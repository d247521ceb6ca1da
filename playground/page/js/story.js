// How far a request has come that lives by itself: each step by name as it is done.

import { h } from "./dom.js";
import { icon } from "./icons.js";

const ALL = 7; // as many as a request with two levels has

export class Story {
  #run = null;
  #line = h("p", { class: "answer-line" });
  #steps = h("ol", { class: "steps", "aria-label": "Steps done" });
  element = h("div", { class: "answer", role: "status", hidden: true }, this.#line, this.#steps);

  // What was said stays: a screen reader would read it again.
  show(story) {
    const { run, steps, under_way: underWay, stuck } = story;
    if (run !== this.#run) this.#steps.replaceChildren();
    this.#run = run;
    this.element.hidden = false;
    this.#line.classList.toggle("bad", Boolean(stuck));
    this.#line.replaceChildren(icon(stuck ? "warning" : underWay ? "auto" : "check"), h("span", {}, told(story)));
    this.#steps.append(...steps.slice(this.#steps.childElementCount).map((step) => h("li", {}, step)));
  }
}

function told({ number, steps, under_way: underWay, stuck }) {
  if (stuck) return `Stopped after step ${steps.length} of ${ALL}: ${stuck}`;
  if (!underWay) return `Done: ${number}`;
  return `${steps.length} of ${ALL} steps done${number ? ` for ${number}` : ""}. Watch the chats, and the traffic.`;
}
