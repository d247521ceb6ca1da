// How Teams and Outlook draw cards, as the renderer's host config. Colours are CSS variables, so that the theme changes without drawing anew.

const text = (name) => ({ default: `var(--ac-${name})`, subtle: `var(--ac-${name}-subtle)` });
const COLOURS = Object.fromEntries(
  ["default", "dark", "light", "accent", "good", "warning", "attention"].map((name) => [name, text(name)]));
const style = (name) => ({ backgroundColor: `var(--ac-bg-${name})`, borderColor: `var(--ac-border-${name})`, foregroundColors: COLOURS });

export const HOST_CONFIG = {
  supportsInteractivity: true,
  fontTypes: {
    default: {
      fontFamily: "var(--font)",
      fontSizes: { small: 12, default: 14, medium: 14, large: 18, extraLarge: 24 },
      fontWeights: { lighter: 300, default: 400, bolder: 600 },
    },
    monospace: {
      fontFamily: "var(--mono)",
      fontSizes: { small: 12, default: 14, medium: 14, large: 18, extraLarge: 24 },
      fontWeights: { lighter: 300, default: 400, bolder: 600 },
    },
  },
  lineHeights: { small: 16, default: 20, medium: 20, large: 24, extraLarge: 32 },
  spacing: { small: 8, default: 12, medium: 16, large: 20, extraLarge: 24, padding: 16 },
  separator: { lineThickness: 1, lineColor: "var(--ac-line)" },
  imageSizes: { small: 32, medium: 52, large: 100 },
  containerStyles: Object.fromEntries(["default", "emphasis", "accent", "good", "attention", "warning"].map((name) => [name, style(name)])),
  inputs: {
    label: {
      inputSpacing: "small",
      requiredInputs: { weight: "Bolder", color: "Default", size: "Default", isSubtle: false, suffix: " *", suffixColor: "Attention" },
      optionalInputs: { weight: "Bolder", color: "Default", size: "Default", isSubtle: false },
    },
    errorMessage: { color: "Attention", size: "Small", weight: "Default" },
  },
  actions: {
    maxActions: 6,
    spacing: "Default",
    buttonSpacing: 0,
    showCard: { actionMode: "Inline", inlineTopMargin: 16, style: "emphasis" },
    actionsOrientation: "Horizontal",
    actionAlignment: "Left",
  },
  adaptiveCard: { allowCustomStyle: true },
  textStyles: {
    heading: { size: "Large", weight: "Bolder", color: "Default", isSubtle: false, fontType: "Default" },
    columnHeader: { size: "Default", weight: "Bolder", color: "Default", isSubtle: false, fontType: "Default" },
  },
  textBlock: { headingLevel: 3 },
  factSet: {
    title: { color: "Default", size: "Default", isSubtle: false, weight: "Bolder", wrap: true, maxWidth: 150 },
    value: { color: "Default", size: "Default", isSubtle: false, weight: "Default", wrap: true },
    spacing: 16,
  },
  table: { cellSpacing: 8 },
};

// Outlook: smaller headings, more room around, tables and sets as plain as at version 1.0. Its colours are fixed: css/mail.css.
export const OUTLOOK_HOST_CONFIG = {
  ...HOST_CONFIG,
  spacing: { small: 8, default: 12, medium: 16, large: 24, extraLarge: 32, padding: 20 },
  separator: { lineThickness: 1, lineColor: "var(--ac-line)" },
  imageSizes: { small: 40, medium: 80, large: 160 },
  actions: { ...HOST_CONFIG.actions, showCard: { actionMode: "Inline", inlineTopMargin: 16, style: "emphasis" } },
};
