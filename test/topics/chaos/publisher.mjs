// `Publisher` publishes numbered messages at a rate, and tells which were accepted and which rejected.

/** How often it publishes, in ms. */
const EVERY = 10;

export class Publisher {
  #topics;
  #name;
  #names;
  #tell;
  #numbers = new Map();
  #timer;
  #due = 0;
  #turn = 0;
  #waiting = new Set();
  #accepted = [];
  #rejected = [];

  /** @param tell called with `{ accepted, rejected }`, lists of messages, and at the end with `{ ended: true }` */
  constructor(topics, name, names, tell) {
    this.#topics = topics;
    this.#name = name;
    this.#names = names;
    this.#tell = tell;
  }

  /** @param rate messages a second */
  begin(rate) {
    this.#timer = setInterval(() => {
      this.#due += (rate * EVERY) / 1000;
      for (; this.#due >= 1; this.#due--) this.publish(this.#names[this.#turn++ % this.#names.length]);
      this.#report();
    }, EVERY);
  }

  publish(topic) {
    const number = (this.#numbers.get(topic) ?? -1) + 1;
    this.#numbers.set(topic, number);
    const text = `${this.#name} ${topic} ${number}`;
    const settled = this.#topics.publish(topic, text).then(
      () => this.#accepted.push(text),
      // An error without a code is a fault of the program, and ends it.
      ({ mayBeAccepted }) => this.#rejected.push([text, mayBeAccepted]),
    );
    this.#waiting.add(settled);
    settled.finally(() => this.#waiting.delete(settled));
    return settled;
  }

  /** Publishes once more to each topic, so that all that was lost before shows. */
  async end() {
    clearInterval(this.#timer);
    await Promise.all(this.#waiting);
    await Promise.all(this.#names.map((topic) => this.publish(topic)));
    this.#report();
    this.#tell({ ended: true });
  }

  #report() {
    const [accepted, rejected] = [this.#accepted, this.#rejected];
    if (accepted.length + rejected.length === 0) return;
    [this.#accepted, this.#rejected] = [[], []];
    this.#tell({ accepted, rejected });
  }
}
