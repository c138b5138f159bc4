// `Subscriber` is a client of one topic that connects again whenever its connection ends, and keeps all that it was sent.
import { WebSocket } from '../../../dist/index.js';

/** How long to wait before it connects again, in ms, at most. */
const AGAIN = 60;
/** So many connections in a row end with their welcome, after one that was cut: what comes around it counts. */
const SHORT = 2;

export class Subscriber {
  topic;
  /** One list for each connection: messages, and `null` where a gap was told. */
  sessions = [];
  /** The positions behind the messages, in their order. */
  positions = [];
  /** How often the history did not reach back. */
  unrecovered = 0;
  connections = 0;
  isReady;
  #urlOf;
  #position;
  #ready;
  #isOver = false;
  #short = 0;
  #socket;

  /** @param urlOf gives the URL of a process that is alive */
  constructor(topic, urlOf) {
    this.topic = topic;
    this.#urlOf = urlOf;
    this.isReady = new Promise((resolve) => (this.#ready = resolve));
    this.#connect();
  }

  end() {
    this.#isOver = true;
    this.#socket.terminate();
  }

  /** Ends the connection, as a client does whose network goes. */
  cut() {
    this.#short = SHORT;
    this.#socket.terminate();
  }

  #connect() {
    const socket = new WebSocket(this.#urlOf(), { perMessageDeflate: false, handshakeTimeout: 2000 });
    const session = [];
    this.#socket = socket;
    this.sessions.push(session);
    socket.on('open', () => {
      this.connections++;
      socket.send(JSON.stringify({ topic: this.topic, after: this.#position }));
    });
    socket.on('message', (text) => this.#take(JSON.parse(text), session));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (!this.#isOver) setTimeout(() => this.#connect(), Math.random() * AGAIN);
    });
  }

  #take({ data, position, gap, subscribed, recovered }, session) {
    if (gap) session.push(null);
    else if (subscribed) {
      if (this.#position !== undefined && !recovered) this.unrecovered++;
      if (position !== '') this.#position = position;
      this.#ready();
      if (this.#short === 0) return;
      this.#short--;
      this.#socket.terminate();
    } else {
      session.push(data);
      if (position === '') return;
      this.#position = position;
      this.positions.push(position);
    }
  }
}
