// Keeps a copy of the playground's things (messages, exchanges, switches) by key, current through server-sent events.
// What is older than what is known is dropped: answers and events come over two connections, and overtake each other.

export class Live {
  #things = new Map(); // key -> {text, asOf}; the text is null once the thing is gone
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
    for (const known of this.#things.values()) known.asOf = 0; // a playground that was started again counts anew
    this.#take({ things, gone }, true);
  }

  // Take what an answer or an event brought.
  adopt(news) {
    this.#take(news, false);
  }

  #take({ things, gone = [], as_of: asOf = 0 }, whole) {
    const changed = things.filter((thing) => this.#isNews(thing));
    for (const key of gone) this.#things.set(key, { text: null, asOf });
    for (const reader of this.#readers) reader(changed, gone, whole);
  }

  #isNews({ as_of: asOf, ...thing }) {
    const text = JSON.stringify(thing);
    const known = this.#things.get(thing.key);
    if (known && asOf < known.asOf) return false;
    this.#things.set(thing.key, { text, asOf });
    return known?.text !== text;
  }
}
