// What Teams draws and the renderer does not know: the Badge element, and rounded corners of containers.

import { h } from "./dom.js";
import { fluentIcon } from "./icons.js";

export function registerTeamsElements(AC) {
  const { elements, actions } = AC.GlobalRegistry;
  elements.register("Badge", badgeOf(AC));
  for (const [name, base] of [["Container", AC.Container], ["ColumnSet", AC.ColumnSet]]) {
    elements.register(name, rounded(AC, base));
  }
  elements.register("Input.ChoiceSet", openList(AC));
  if (!actions.findByName("Action.Execute")) actions.register("Action.Execute", AC.ExecuteAction, AC.Versions.v1_4);
}

// The renderer would not send a form in which something is typed that its list does not have; Teams does.
function openList(AC) {
  return class extends AC.ChoiceSetInput {
    isValid() {
      return this.style === "filtered" || super.isValid();
    }
  };
}

function badgeOf(AC) {
  const property = (name, otherwise) => new AC.StringProperty(AC.Versions.v1_0, name, true, undefined, otherwise);
  return class Badge extends AC.CardElement {
    static textProperty = property("text");
    static iconProperty = property("icon");
    static iconPositionProperty = property("iconPosition", "Before");
    static styleProperty = property("style", "Default");
    static appearanceProperty = property("appearance", "Filled");
    static sizeProperty = property("size", "Medium");
    static shapeProperty = property("shape", "Circular");
    static tooltipProperty = property("tooltip");

    getJsonTypeName() {
      return "Badge";
    }

    internalRender() {
      const of = (name) => this.getValue(Badge[`${name}Property`]);
      const classes = ["style", "appearance", "size", "shape"].map((name) => `${name}-${of(name).toLowerCase()}`);
      const mark = fluentIcon(of("icon"));
      const label = h("span", {}, of("text") ?? "");
      const parts = of("iconPosition") === "After" ? [label, mark] : [mark, label];
      const badge = h("span", { class: ["badge", ...classes].join(" "), title: of("tooltip") }, ...parts);
      return h("div", { class: `badge-line align-${AC.HorizontalAlignment[this.getEffectiveHorizontalAlignment()].toLowerCase()}` }, badge);
    }
  };
}

function rounded(AC, Base) {
  return class extends Base {
    static roundedCornersProperty = new AC.BoolProperty(AC.Versions.v1_0, "roundedCorners", false);

    internalRender() {
      const element = super.internalRender();
      if (element && this.getValue(this.constructor.roundedCornersProperty)) element.classList.add("rounded");
      return element;
    }
  };
}
