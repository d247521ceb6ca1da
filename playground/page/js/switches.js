// The segmented switches in the top bar (theme, width): radio groups with arrow keys.

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { choose, onSettings } from "./settings.js";

const THEMES = [["auto", "Auto", "auto"], ["light", "Light", "sun"], ["dark", "Dark", "moon"]];
const WIDTHS = [["pane", "Pane", "desktop"], ["pair", "Pair", "pair", "Teams and Outlook of one person, side by side"], ["phone", "Phone", "phone"]];

export function setUpSwitches() {
  segmented(document.getElementById("theme-switch"), "theme", THEMES);
  segmented(document.getElementById("width-switch"), "width", WIDTHS);
  onSettings(({ theme, width }) => {
    document.documentElement.dataset.theme = theme;
    document.documentElement.dataset.width = width;
  });
}

function segmented(group, setting, choices) {
  const buttons = choices.map(([value, label, glyph, title]) =>
    h("button", { type: "button", role: "radio", dataset: { value }, title: title ?? label, onclick: () => choose({ [setting]: value }) },
      icon(glyph), h("span", {}, label)));
  group.append(...buttons);
  group.addEventListener("keydown", (event) => step(event, buttons));
  onSettings((now) => {
    for (const button of buttons) {
      const on = button.dataset.value === now[setting];
      button.setAttribute("aria-checked", String(on));
      button.tabIndex = on ? 0 : -1;
    }
  });
}

// Arrow keys move within a group of radios or tabs, as people who use a keyboard expect.
export function step(event, buttons) {
  const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!by) return;
  const shown = buttons.filter((button) => button.offsetParent !== null);
  const next = shown[(shown.indexOf(document.activeElement) + by + shown.length) % shown.length];
  if (!next) return;
  event.preventDefault();
  next.focus();
  next.click();
}
