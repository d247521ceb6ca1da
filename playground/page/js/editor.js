// A JSON editor: a plain textarea over its coloured copy, with line numbers and the faulty line marked.

import { h } from "./dom.js";
import { coloured, parse } from "./json.js";

export class Editor {
  #box;
  #paint;
  #gutter;
  #onChange;

  // *onChange* gets what parse() returned, and the text.
  constructor(label, onChange) {
    this.#onChange = onChange;
    this.#box = h("textarea", { class: "code-text", id: "arx", spellcheck: "false", autocapitalize: "off", autocomplete: "off", wrap: "off", "aria-label": label, "aria-describedby": "arx-problem" });
    this.#paint = h("pre", { class: "code-paint", "aria-hidden": "true" });
    this.#gutter = h("pre", { class: "code-gutter", "aria-hidden": "true" });
    this.element = h("div", { class: "editor" }, this.#gutter, h("div", { class: "code" }, this.#paint, this.#box));
    this.#box.addEventListener("input", () => this.#changed());
    this.#box.addEventListener("scroll", () => this.#follow(), { passive: true });
  }

  get text() {
    return this.#box.value;
  }

  set text(text) {
    this.#box.value = text;
    this.#box.scrollTop = 0;
    this.#box.scrollLeft = 0;
    this.#changed();
  }

  // Put the cursor where the error is.
  show({ line, column }) {
    const lines = this.text.split("\n");
    const at = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0) + column - 1;
    this.#box.focus();
    this.#box.setSelectionRange(at, at);
    this.#box.scrollTop = Math.max(0, (line - 4) * parseFloat(getComputedStyle(this.#box).lineHeight));
  }

  #changed() {
    const parsed = parse(this.text);
    const count = this.text.split("\n").length;
    this.#paint.replaceChildren(coloured(this.text), "\n");
    const numbers = Array.from({ length: count }, (_, at) =>
      at + 1 === parsed.line ? h("span", { class: "bad" }, `${at + 1}\n`) : `${at + 1}\n`);
    this.#gutter.replaceChildren(...numbers);
    this.#box.setAttribute("aria-invalid", String("problem" in parsed));
    this.#follow();
    this.#onChange(parsed, this.text);
  }

  #follow() {
    this.#paint.style.transform = `translate(${-this.#box.scrollLeft}px, ${-this.#box.scrollTop}px)`;
    this.#gutter.style.transform = `translateY(${-this.#box.scrollTop}px)`;
  }
}
