// The shell commands that post the same ARX from a terminal, ready to copy.

import { h } from "./dom.js";
import { icon } from "./icons.js";

export class Terminal {
  #setup;
  #tenant;
  #code = h("code");
  #arx = "";
  #text = "";

  constructor(setup, tenant) {
    this.#setup = setup;
    this.#tenant = tenant;
    const said = h("span", { role: "status" });
    const copy = h("button", { type: "button", class: "button small", onclick: () => this.#copy(said) }, icon("copy"), "Copy");
    this.element = h("details", { class: "terminal" },
      h("summary", {}, "The same from a terminal"),
      h("div", { class: "terminal-bar" }, h("span", {}, "bash, with curl and python3"), said, copy),
      h("pre", { class: "shell", tabindex: "0", role: "region", "aria-label": "Shell commands" }, this.#code));
  }

  // A restarted playground has new secrets.
  renew(setup, tenant) {
    this.#setup = setup;
    this.#tenant = tenant;
    this.show(this.#arx);
  }

  show(arx) {
    this.#arx = arx;
    this.#text = this.#tenant.curl.replace(this.#setup.curl_placeholder, () => arx.trimEnd());
    this.#code.textContent = this.#text;
  }

  async #copy(said) {
    try {
      await navigator.clipboard.writeText(this.#text);
      said.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(this.#code);
      said.textContent = "Selected: press Ctrl+C";
    }
    setTimeout(() => (said.textContent = ""), 3000);
  }
}
