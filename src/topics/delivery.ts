// `Delivery` frames messages once and sends them to the subscribers of a topic, in one order for all.
import { catchUp } from '../node/flush-time.js';
import { FramedMessage } from '../node/framed-message.js';
import { FramedRun } from '../node/framed-run.js';
import { channels } from './channels.js';
import type { EntryMessage } from './entry.js';
import type { TopicsOptions } from './options.js';
import { positionIn } from './outbox.js';
import type { Position } from './position.js';
import type { Past } from './reads.js';
import type { Live, Subscription, Topic } from './topic.js';

export class Delivery {
  private serial = 0;
  /** Deliveries that began inside another, which follow it. */
  private later: (() => void)[] | undefined;

  constructor(
    private readonly counters: { due: number },
    private readonly envelope: TopicsOptions['envelope'],
    private readonly failed: (error: unknown) => void,
  ) {}

  /** The serial number of the next subscription. */
  nextSerial(): number {
    return ++this.serial;
  }

  /** Delivers an entry to all subscribers. */
  fanOut(topic: Topic, live: Live): void {
    this.inTurn(() => this.deliver(topic, live));
  }

  /** Delivers the messages that came while a subscription began; later fan-outs include it. */
  release(topic: Topic, subscription: Subscription): void {
    this.inTurn(() => {
      const { held } = subscription;
      subscription.held = undefined;
      if (held === undefined || !topic.has(subscription)) return;
      for (const live of held)
        if (subscription.isDue(live.place)) {
          this.deliverTo(topic, subscription, live, this.framed(topic, live));
        }
    });
  }

  /** A delivery that begins inside another waits for that one. */
  private inTurn(deliver: () => void): void {
    if (this.later !== undefined) {
      this.later.push(deliver);
      return;
    }
    // What was sent to many before it comes first.
    catchUp();
    const later: (() => void)[] = (this.later = []);
    try {
      deliver();
      for (const next of later) next();
    } finally {
      this.later = undefined;
    }
  }

  /**
   * Delivers the past after a position until the socket is full.
   * @returns how far it has come: `past.end`, or short of that; undefined where it cannot go on
   */
  deliverPast(topic: Topic, subscription: Subscription, past: Past, after: Position): Position | undefined {
    const { member } = subscription;
    catchUp();
    for (const live of past.lives) {
      const place = live.place!;
      const { messages } = this.framed(topic, live);
      const excepts = live.excepts ?? subscription.excepts?.get(place.offset);
      for (let seen = place.offset === after.offset ? after.seen : 0; seen < messages.length; seen++) {
        if (!member.isOpen || !topic.has(subscription)) return undefined;
        const message = messages[seen];
        if (message === undefined || excepts?.[seen] === member.socket) continue;
        const isSent = member.deliverPast(message);
        if (isSent === undefined) return undefined;
        if (!isSent) return { ...place, seen };
      }
    }
    return past.end;
  }

  /** Delivers an entry to one subscriber. */
  private deliverTo(topic: Topic, subscription: Subscription, live: Live, run: FramedRun): void {
    const { member } = subscription;
    const { messages } = run;
    const { excepts } = live;
    if (!member.isOpen) return;
    if (!excepts?.includes(member.socket) && member.deliverRun(run)) {
      this.counters.due += messages.length;
      return;
    }
    for (const [index, message] of messages.entries()) {
      // A socket may end its subscription in its own `send`.
      if (!member.isOpen || !topic.has(subscription)) break;
      if (message === undefined || excepts?.[index] === member.socket) continue;
      this.counters.due++;
      member.deliver(topic.name, message);
    }
  }

  private deliver(topic: Topic, live: Live): void {
    const latest = this.serial;
    const { place } = live;
    const run = this.framed(topic, live);
    if (channels.deliver.hasSubscribers) {
      channels.deliver.publish({
        topic: topic.name,
        messages: run.messages.length,
        subscribers: topic.subscribers.size,
      });
    }
    // A map iterates in insertion order: the rest came after this entry.
    for (const subscription of topic.subscribers.values()) {
      if (subscription.serial > latest) break;
      // Without history there is no past to wait for.
      if (subscription.held !== undefined) {
        if (place !== undefined) subscription.hold(live);
      } else if (place === undefined || subscription.isDue(place)) {
        this.deliverTo(topic, subscription, live, run);
      }
    }
  }

  private framed(topic: Topic, live: Live): FramedRun {
    const { entry, place } = live;
    const last = entry.messages.length - 1;
    return (live.framed ??= new FramedRun(
      entry.messages.map((message, index) =>
        this.frame(topic.name, message, place === undefined ? '' : positionIn(place, index, last)),
      ),
    ));
  }

  /** Undefined for a message whose envelope failed. */
  private frame(
    topic: string,
    { payload, isBinary, compress }: EntryMessage,
    position: string,
  ): FramedMessage | undefined {
    const { envelope } = this;
    if (envelope === undefined) return new FramedMessage(payload, isBinary, compress, true);
    const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
    try {
      const made = envelope({ topic, data: isBinary ? bytes : bytes.toString(), isBinary, position });
      return new FramedMessage(made, typeof made !== 'string', compress, typeof made === 'string');
    } catch (error) {
      this.failed(error);
      return undefined;
    }
  }
}
