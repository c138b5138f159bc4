// `JetStream` is a NATS stream that gives the entries of all topics their offsets, stores them, and forwards them.
import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import type { HistoryLimits, Recovery } from '../broker.js';
import type { Place } from '../position.js';
import { late, token, type NatsMessage, type Requests } from './nats-requests.js';

/** The part of a stream's description that is used. */
interface StreamInfo {
  readonly created: string;
  readonly config: { readonly max_msgs_per_subject: number; readonly republish?: { readonly dest: string } };
  readonly state: { readonly first_seq: number; readonly last_seq: number };
}

interface Consumer {
  readonly name: string;
  readonly num_pending: number;
  readonly created: string;
}

interface Answer {
  readonly error?: { readonly code: number; readonly description: string };
}

/** How long entries outlive their age, so that topics that were silent for long recover too, in ms. */
const KEPT = 7 * 24 * 60 * 60 * 1000;
const NANOSECONDS = 1e6;
/** The time limit of an answer, in ms: a server that starts may give none. */
const TIMEOUT = 5000;
const NOT_FOUND = 404;
/** Two pulls of so many of the longest messages do not make the server cut off the connection as a slow one, by its defaults. */
const MOST_AT_ONCE = 16;

interface Stored {
  readonly offset: number;
  readonly entry: Uint8Array;
  /** In ms. */
  readonly time: number;
}

interface Read {
  readonly entries: Stored[];
  /** How many come after these. */
  readonly more: number;
  /** The server's, in ms. */
  readonly time: number;
}

export class JetStream {
  private readonly name: string;
  private epoch = '';
  /** The offset of the latest forwarded entry. */
  private latest = 0;
  private asked: Promise<StreamInfo> | undefined;
  /** When an entry was stored last that no other displaces, in ms. */
  private pinned = 0;

  constructor(
    private readonly requests: Requests,
    private readonly prefix: string,
    private readonly limits: HistoryLimits,
  ) {
    // The server takes the name for a pattern, in which a percent sign has a meaning.
    this.name = token(prefix).replaceAll('%', '_');
  }

  /** Creates the stream; an existing one is used as it is. */
  async begin(): Promise<void> {
    const { name, prefix } = this;
    const dest = `${prefix}l.{{wildcard(1)}}`;
    try {
      await this.info();
    } catch (error) {
      if (!isMissing(error)) throw error;
      await this.call(`STREAM.CREATE.${name}`, {
        name,
        subjects: [`${prefix}s.*`],
        retention: 'limits',
        storage: 'file',
        num_replicas: 1,
        // One more than promised: a topic with this many entries after a position has lost none of them.
        max_msgs_per_subject: Math.max(1, this.limits.messages) + 1,
        max_age: Math.max(KEPT, this.limits.age) * NANOSECONDS,
        republish: { src: `${prefix}s.*`, dest },
      });
    }
    const { config } = await this.info();
    if (config.republish?.dest !== dest) throw new Error(`The stream ${name} does not republish to ${dest}`);
  }

  async publish(topic: string, entry: Uint8Array): Promise<Place> {
    const { data } = await this.requests.ask(`${this.prefix}s.${token(topic)}`, entry);
    return { epoch: this.epoch, offset: (judged(data) as { readonly seq: number }).seq };
  }

  /** The place of a forwarded entry; undefined where the stream was created anew. */
  placeOf({ headers }: NatsMessage): Place | undefined {
    const offset = Number(headers!.get('Nats-Sequence'));
    const isNew = offset > this.latest;
    this.latest = offset;
    return isNew ? { epoch: this.epoch, offset, before: Number(headers!.get('Nats-Last-Sequence')) } : undefined;
  }

  async read(topic: string, offset: number | undefined, most: number = Infinity): Promise<Recovery> {
    const { entries, more, time: now } = await this.stored(topic, offset, most);
    // Read after the entries: entries that are discarded meanwhile are found missing.
    const { config, state } = await this.info();
    const { epoch } = this;
    const [last, first, limit] = [state.last_seq, state.first_seq, config.max_msgs_per_subject];
    if (offset === undefined) return { epoch, last, isWhole: true, entries };
    const oldest = now - this.limits.age;
    const isWhole =
      offset >= first &&
      offset <= last + 1 &&
      (limit <= 0 || entries.length + more < limit) &&
      entries.every(({ time }) => time >= oldest);
    // An entry that arrived since is not among them, and is delivered live.
    return isWhole
      ? { epoch, last: entries.at(-1)?.offset ?? offset - 1, end: last + 1, isWhole, entries, hasMore: more > 0 }
      : { epoch, last, isWhole, entries: [] };
  }

  /** The stored entries of a topic, from an offset on, until they have `most` bytes. */
  private async stored(topic: string, offset: number | undefined, most: number): Promise<Read> {
    if (offset === undefined) return { entries: [], more: 0, time: 0 };
    const { name, prefix } = this;
    const config = {
      deliver_policy: 'by_start_sequence',
      opt_start_seq: Math.max(1, offset),
      filter_subject: `${prefix}s.${token(topic)}`,
      ack_policy: 'none',
      replay_policy: 'instant',
      mem_storage: true,
      num_replicas: 1,
    };
    const made = (await this.call(`CONSUMER.CREATE.${name}`, { stream_name: name, config })) as Consumer;
    const entries: Stored[] = [];
    let [more, bytes] = [made.num_pending, 0];
    try {
      // As many as are needed by the length of those before, which tells little while there are few of them.
      for (let count = 1; more > 0 && bytes < most;) {
        more = await this.pull(made.name, Math.min(count, more), entries);
        bytes = entries.reduce((sum, { entry }) => sum + entry.length, 0);
        count = Math.min(4 * count, MOST_AT_ONCE, Math.ceil((most / bytes - 1) * entries.length));
      }
    } finally {
      // The server also ends a consumer by itself that no client asks.
      this.call(`CONSUMER.DELETE.${name}.${made.name}`).catch(() => undefined);
    }
    return { entries, more, time: Date.parse(made.created) };
  }

  /** Adds the next entries of a consumer, and resolves with the number of those after them. */
  private pull(consumer: string, count: number, entries: Stored[]): Promise<number> {
    return new Promise((resolve, reject) => {
      let left = count;
      const fail = (error: Error): void => {
        clearTimeout(timer);
        end();
        reject(error);
      };
      const subject = `$JS.API.CONSUMER.MSG.NEXT.${this.name}.${consumer}`;
      const question = Buffer.from(JSON.stringify({ batch: count, no_wait: true }));
      const end = this.requests.deliver(subject, question, (message) => {
        if (message instanceof Error) return fail(message);
        const { reply = '', data } = message;
        // Not an entry, but the news that some are gone, or the consumer.
        if (reply === '') return fail(new Error('The stream has no such entries any more'));
        const { offset, time, pending } = readReply(reply);
        entries.push({ offset, entry: data, time });
        if (--left > 0 && pending > 0) return;
        clearTimeout(timer);
        end();
        resolve(pending);
      });
      const timer = setTimeout(() => fail(late()), TIMEOUT).unref();
    });
  }

  /** Describes the stream; all callers of one tick share one answer. */
  private info(): Promise<StreamInfo> {
    return (this.asked ??= this.askInfo());
  }

  private async askInfo(): Promise<StreamInfo> {
    await Promise.resolve();
    this.asked = undefined;
    const info = (await this.call(`STREAM.INFO.${this.name}`)) as StreamInfo;
    const epoch = info.created.replaceAll(/\W/g, '');
    if (epoch !== this.epoch) this.latest = this.pinned = 0;
    this.epoch = epoch;
    this.pin();
    return info;
  }

  /**
   * The stream begins with the oldest entry of any topic. One of no topic, which others of no topic do not displace, keeps it
   * from moving on while busy topics lose their oldest entries: silent topics recover from before these.
   */
  private pin(): void {
    const now = Date.now();
    if (now - this.pinned < KEPT / 2) return;
    this.pinned = now;
    // No topic has control characters.
    const subject = `${this.prefix}s.${token(`\u0000${randomBytes(8).toString('hex')}`)}`;
    this.requests.ask(subject).catch(() => (this.pinned = 0));
  }

  private async call(name: string, question?: object): Promise<unknown> {
    const data = question === undefined ? undefined : Buffer.from(JSON.stringify(question));
    return judged((await this.requests.ask(`$JS.API.${name}`, data, TIMEOUT)).data);
  }
}

/** An error in the server's answer. */
class Refusal extends Error {
  constructor(
    readonly code: number,
    description: string,
  ) {
    super(description);
    this.name = 'Refusal';
  }
}

/** Whether a request was refused because there is no stream. */
export function isMissing(error: unknown): boolean {
  return error instanceof Refusal && error.code === NOT_FOUND;
}

function judged(data: Uint8Array): unknown {
  const answer = JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.length).toString()) as Answer;
  if (answer.error !== undefined) throw new Refusal(answer.error.code, answer.error.description);
  return answer;
}

/** `$JS.ACK.stream.consumer.deliveries.offset.number.time.pending`; later servers put two tokens in front, and one behind. */
function readReply(reply: string): { readonly offset: number; readonly time: number; readonly pending: number } {
  const tokens = reply.split('.');
  const at = tokens.length > 9 ? 7 : 5;
  return { offset: Number(tokens[at]), time: Number(tokens[at + 2]) / NANOSECONDS, pending: Number(tokens[at + 3]) };
}
