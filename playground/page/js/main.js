// Starts the page: asks for its set-up, builds the panes, then follows the playground's events.

import { get, post } from "./api.js";
import { rendererLoaded } from "./card.js";
import { h } from "./dom.js";
import { Live } from "./live.js";
import { knowDirectory } from "./people.js";
import { Person } from "./person.js";
import { setUpSwitches } from "./switches.js";
import { Tenants } from "./tenants.js";
import { LOCALE, ZONE } from "./times.js";
import { Views } from "./views.js";

const PEOPLES = ["message", "mail", "mailsystems", "app"]; // the other kinds of things are the tenants'
const CONNECTION = { live: "Live", lost: "Not connected" };

setUpSwitches();
start().catch((problem) => {
  document.getElementById("chats").replaceChildren(h("p", { class: "fatal", role: "alert" }, problem.message));
});

async function start() {
  if (!rendererLoaded) throw new Error("The card renderer is not installed. Stop the playground and run `make run` again: it sets up web/node_modules.");
  await introduce();
  const setup = await get("setup");
  knowDirectory(setup.directory);
  const live = new Live((state) => {
    if (connection(state) === "lost" && state === "live") introduce().then(() => get("setup")).then((again) => tenants.renew(again), () => {});
  });
  const adopt = (things) => live.adopt({ things });
  const people = setup.people.filter((person) => setup.chats.includes(person.alias));
  const lenders = setup.people.filter((person) => !people.includes(person));
  const panes = new Map(people.map((person) => [person.alias, new Person(person, people, lenders, { adopt, announce })]));
  const tenants = new Tenants(setup, adopt);
  document.getElementById("chats").append(...[...panes.values()].map((pane) => pane.element));
  document.getElementById("tenant").append(tenants.element);
  const views = new Views([
    ...people.map((person) => ({ view: person.alias, label: person.name.split(" ")[0], pane: panes.get(person.alias).element })),
    { view: "tenant", label: "Tenant", pane: document.getElementById("tenant") },
  ]);
  live.read((things, gone, whole) => {
    for (const [alias, pane] of panes) {
      const changed = pane.update(things.filter((thing) => thing.person === alias || (PEOPLES.includes(thing.kind) && !panes.has(thing.person))), gone, whole);
      if (changed && !whole) views.news(alias);
    }
    if (things.length && !whole) tenants.stir();
    const theirs = things.filter((thing) => !PEOPLES.includes(thing.kind));
    tenants.update(theirs, gone, whole);
    if (theirs.length && !whole) views.news("tenant");
  });
  live.start();
}

// The people of the chats live in the reader's time zone. One that is unknown to the playground changes nothing.
async function introduce() {
  await post("reader", { zone: ZONE, locale: LOCALE }).catch(() => {});
}

// Shows whether the page is up to date; returns what it showed before.
function connection(state) {
  const shown = document.getElementById("connection");
  const before = shown.dataset.state;
  shown.dataset.state = state;
  document.getElementById("connection-text").textContent = CONNECTION[state];
  document.querySelector(".stage").inert = state === "lost"; // what is seen may be old, and nobody would take a click
  document.getElementById("ended").hidden = state !== "lost";
  return before;
}

function announce(text) {
  document.getElementById("announcer").textContent = text;
}
