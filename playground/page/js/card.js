// Draws one Adaptive Card with Microsoft's renderer and answers its buttons; knows nothing of chats and mails.

import { h } from "./dom.js";
import { registerTeamsElements } from "./elements.js";
import { HOST_CONFIG, OUTLOOK_HOST_CONFIG } from "./hostconfig.js";
import { withPeople } from "./people.js";

const AC = window.AdaptiveCards;
const markdown = window.markdownit?.({ html: false, linkify: false }).disable("image"); // Teams shows no images in markdown
const hostConfig = AC && new AC.HostConfig(HOST_CONFIG);
const TO_THE_SERVICE = AC ? [AC.SubmitAction, AC.ExecuteAction, AC.HttpAction] : [];
const outlookHostConfig = AC && new AC.HostConfig(OUTLOOK_HOST_CONFIG);

if (AC) {
  AC.GlobalSettings.setTabIndexAtCardRoot = false;
  // Its own truncation writes HTML with style attributes, which the page's policy forbids; CSS cuts lines as well.
  AC.GlobalSettings.useAdvancedTextBlockTruncation = false;
  AC.AdaptiveCard.onProcessMarkdown = (text, result) => {
    result.outputHtml = markdown.render(text);
    result.didProcess = true;
  };
  registerTeamsElements(AC);
}

export const rendererLoaded = Boolean(AC && markdown);

export function openLink(url) {
  if (/^https?:\/\//i.test(url ?? "")) window.open(url, "_blank", "noopener,noreferrer");
}

// Text of a bot's plain message: markdown, as in Teams.
export function markdownText(text) {
  const box = h("div", { class: "text" });
  box.innerHTML = markdown.render(text);
  safeLinks(box);
  return box;
}

// What Outlook draws: Action.Http and not Teams' actions and elements, no Input.Time (outlook-dev-docs, adaptive-card.md).
function outlooksContext() {
  const context = new AC.SerializationContext();
  const [actions, elements] = [new AC.CardObjectRegistry(), new AC.CardObjectRegistry()];
  AC.GlobalRegistry.populateWithDefaultActions(actions);
  AC.GlobalRegistry.populateWithDefaultElements(elements);
  for (const name of ["Action.Submit", "Action.Execute"]) actions.unregister(name);
  actions.register("Action.Http", AC.HttpAction);
  elements.unregister("Input.Time");
  context.setActionRegistry(actions);
  context.setElementRegistry(elements);
  return context;
}

// *onInvoke* gets (the action as the card has it, the inputs as they stand) and returns a promise; until it settles the card is busy.
export class CardView {
  #card = new AC.AdaptiveCard();
  #context; // of the app that shows it: what it can draw
  #busy = null; // the promise of the click under way

  // *app* is "teams" or "outlook".
  constructor(json, { key, onInvoke, app = "teams" }) {
    const isOutlook = app === "outlook";
    this.element = h("div", { class: isOutlook ? "card outlook-card" : "card" });
    this.#context = isOutlook ? outlooksContext() : undefined;
    this.#card.hostConfig = isOutlook ? outlookHostConfig : hostConfig;
    this.#card.onExecuteAction = (action) => this.#execute(action, onInvoke);
    this.#draw(json, key);
  }

  #draw(json, key) {
    try {
      const { lang, ...rest } = json;
      if (lang) this.element.lang = lang; // the renderer heeds only every second one on a page, and then writes dates two ways
      this.#card.parse(withPeople(rest), this.#context);
      this.element.append(this.#card.render());
    } catch (problem) {
      this.element.append(h("p", { class: "card-broken" }, json.fallbackText || `This card cannot be drawn: ${problem.message}`));
      return;
    }
    distinctIds(this.element, key);
    safeLinks(this.element);
  }

  // Layout (line clamps, bleeding) needs the card to be in the page.
  placed() {
    this.#card.updateLayout();
  }

  // The click under way, if any: a card that is drawn in place of this one waits for it, too.
  get busy() {
    return this.#busy;
  }

  async wait(click, button) {
    this.#setBusy(click, button);
    await click.catch(() => {});
    this.#setBusy(null, button);
  }

  #execute(action, onInvoke) {
    if (action instanceof AC.OpenUrlAction) return openLink(action.url);
    if (!TO_THE_SERVICE.some((kind) => action instanceof kind) || this.#busy) return;
    this.wait(onInvoke(action.toJSON(this.#context), inputsOf(action)), action.renderedElement);
  }

  #setBusy(click, button) {
    this.#busy = click;
    const busy = click !== null;
    this.element.classList.toggle("busy", busy);
    this.element.setAttribute("aria-busy", String(busy));
    button?.classList.toggle("working", busy);
    for (const each of this.element.querySelectorAll("button")) {
      if (busy) each.dataset.was = each.disabled ? "off" : "on";
      each.disabled = busy || each.dataset.was === "off";
    }
    for (const input of this.element.querySelectorAll("input, textarea, select")) input.toggleAttribute("readonly", busy);
  }

  // What was typed and not sent, by input id; the place of the cursor too.
  typed() {
    const values = {};
    for (const input of this.#card.getAllInputs()) {
      if (input.id && input.isDirty()) values[input.id] = input.value;
    }
    const focused = this.#card.getAllInputs().find((input) => input.renderedElement?.contains(document.activeElement));
    return { values, focus: focused?.id };
  }

  // Give typed text back to inputs of the same id, unless the new card brings a text of its own.
  retype({ values, focus }) {
    for (const input of this.#card.getAllInputs()) {
      const control = input.renderedInputControlElement;
      if (input.id in values && control) give(input, control, values[input.id]);
      if (input.id === focus) control?.focus({ preventScroll: true });
    }
  }
}

// Puts a value into an input as if it had been filled in; a box to tick and a list that is typed in show it another way.
function give(input, control, value) {
  const field = control.matches("input, textarea, select") ? control : control.querySelector("input");
  if (!field) return;
  if (input instanceof AC.ToggleInput) field.checked = value === input.valueOn;
  else if (input.value) return;
  else field.value = input.style === "filtered" ? (input.choices.find((choice) => choice.value === value)?.title ?? value) : value;
  field.dispatchEvent(new Event(field.type === "checkbox" ? "change" : "input", { bubbles: true }));
}

// Everything the action sends along, blanks too: a text that was cleared must arrive as cleared.
function inputsOf(action) {
  return Object.fromEntries(Object.entries(action.getReferencedInputs()).map(([id, input]) => [id, String(chosen(input) ?? "")]));
}

// A name typed into a list and not found there chooses nobody: Teams sends it empty, and the bot says what is missing.
function chosen(input) {
  if (!(input instanceof AC.ChoiceSetInput) || input.style !== "filtered") return input.value;
  return input.choices.some((choice) => choice.value === input.value) ? input.value : "";
}

// Cards name their elements alike ("comment"): in one page every id must be its own, and labels must still find theirs.
function distinctIds(root, key) {
  const prefix = `${key.replace(/[^\w-]/g, "_")}--`;
  for (const element of root.querySelectorAll("[id]")) {
    if (element.id.startsWith("__ac-")) continue;
    element.dataset.element = element.id;
    element.id = prefix + element.id;
  }
  for (const element of root.querySelectorAll("[aria-controls]")) {
    const names = element.getAttribute("aria-controls").split(" ");
    element.setAttribute("aria-controls", names.map((name) => (root.querySelector(`#${CSS.escape(prefix + name)}`) ? prefix + name : name)).join(" "));
  }
}

function safeLinks(root) {
  for (const link of root.querySelectorAll("a[href]")) {
    link.target = "_blank";
    link.rel = "noopener noreferrer";
  }
}
