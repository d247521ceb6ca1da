// Keeps a copy of the playground's things (messages, exchanges, switches) by key, current through server-sent events.

export class Live {
  #things = new Map();
  #readers = [];
  #state;

  // *state* is called with "live" or "lost".
  constructor(state) {
    this.#state = state;
  }

  // A reader gets (changed things, keys that are gone, whether this is the whole picture anew).
  read(reader) {
    this.#readers.push(reader);
  }

  start() {
    const events = new EventSource("/page/api/events");
    events.addEventListener("open", () => this.#state("live"));
    events.addEventListener("error", () => this.#state("lost"));
    events.addEventListener("all", (event) => this.#replace(JSON.parse(event.data).things));
    events.addEventListener("some", (event) => this.adopt(JSON.parse(event.data)));
  }

  // After a lost connection the playground tells everything again: only what differs is drawn.
  #replace(things) {
    const here = new Set(things.map((thing) => thing.key));
    const gone = [...this.#things.keys()].filter((key) => !here.has(key));
    this.#take({ things, gone }, true);
  }

  // Take what an answer or an event brought.
  adopt(news) {
    this.#take(news, false);
  }

  #take({ things, gone = [] }, whole) {
    const changed = things.filter((thing) => {
      const text = JSON.stringify(thing);
      if (this.#things.get(thing.key) === text) return false;
      this.#things.set(thing.key, text);
      return true;
    });
    for (const key of gone) this.#things.delete(key);
    for (const reader of this.#readers) reader(changed, gone, whole);
  }
}
