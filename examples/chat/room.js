// `Room` is a client's place in a room of the chat. It comes back after every loss, with all that was said meanwhile, and
// nothing twice. It runs in browsers, and in Node with a WebSocket class of its own.

/** The first wait before it connects again, and the longest, in ms. Each wait is a random part of them, so that many spread. */
const SOON = 200;
const LATEST = 2000;
/** How many messages it remembers, to know those that come twice. */
const REMEMBERED = 1000;

export class Room {
  #urls;
  #query;
  #WebSocket;
  #told;
  #at;
  #socket;
  #wait = SOON;
  #position;
  #isClosed = false;
  /** Messages that have not come back yet: those may not have arrived. */
  #pending = new Map();
  /** The latest messages: one that was said again may have arrived both times. */
  #heard = new Set();
  #next = 0;
  #self = Math.random().toString(36).slice(2);

  /**
   * @param {string[]} urls addresses of the processes, any of which will do
   * @param {{ room: string, author: string, WebSocket?: typeof WebSocket }} settings
   * @param {(event: { type: string }) => void} told is told what comes: 'welcome', 'message' and 'lost'
   */
  constructor(urls, { room, author, WebSocket = globalThis.WebSocket }, told) {
    this.#urls = urls;
    this.#query = { room, author };
    this.#WebSocket = WebSocket;
    this.#told = told;
    this.#at = Math.floor(Math.random() * urls.length);
    this.#connect();
  }

  /** Says something, now or as soon as there is a connection; it is done once it comes back as a message. */
  say(text) {
    const id = `${this.#self}.${this.#next++}`;
    const message = JSON.stringify({ id, text });
    this.#pending.set(id, message);
    if (this.isOpen) this.#socket.send(message);
    return id;
  }

  /** How many messages have not come back yet. */
  get pending() {
    return this.#pending.size;
  }

  close() {
    this.#isClosed = true;
    this.#socket.close(1000);
  }

  /** Whether the process has welcomed this connection. */
  isOpen = false;

  #connect() {
    if (this.#isClosed) return;
    const query = new URLSearchParams(this.#query);
    if (this.#position !== undefined) query.set('after', this.#position);
    const socket = new this.#WebSocket(`${this.#urls[this.#at]}/?${query}`);
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      const event = JSON.parse(data);
      this.#position = event.position;
      if (event.type === 'message') {
        this.#pending.delete(event.id);
        if (this.#heard.has(event.id)) return;
        this.#heard.add(event.id);
        if (this.#heard.size > REMEMBERED) this.#heard.delete(this.#heard.values().next().value);
      } else {
        this.isOpen = true;
        this.#wait = SOON;
        // All that arrived has come back by now, with the past.
        for (const message of this.#pending.values()) socket.send(message);
      }
      this.#told(event);
    });
    socket.addEventListener('error', () => {});
    socket.addEventListener('close', ({ code }) => {
      this.isOpen = false;
      this.#told({ type: 'lost', code });
      // The next process; one that restarts would refuse.
      this.#at = (this.#at + 1) % this.#urls.length;
      setTimeout(() => this.#connect(), Math.random() * this.#wait);
      this.#wait = Math.min(2 * this.#wait, LATEST);
    });
  }
}
