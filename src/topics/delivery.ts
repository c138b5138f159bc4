// `Delivery` frames messages once and hands them to the subscribers of a topic, in one order for all.
import { FramedMessage } from '../node/framed-message.js';
import { channels } from './channels.js';
import type { EntryMessage } from './entry.js';
import type { TopicsOptions } from './options.js';
import { positionIn } from './outbox.js';
import type { Live, Subscription, Topic } from './topic.js';

export class Delivery {
  private serial = 0;
  /** Deliveries that were begun inside of another, which come after it. */
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

  /** Delivers the messages that came while a subscription began; each later fan-out includes it. */
  release(topic: Topic, subscription: Subscription): void {
    this.inTurn(() => {
      const { held, member } = subscription;
      subscription.held = undefined;
      if (held === undefined || topic.subscribers.get(member.socket) !== subscription) return;
      for (const live of held) if (subscription.isDue(live.place)) this.deliverTo(topic, subscription, live, 0);
    });
  }

  /** A delivery that is begun inside of another waits for that. */
  private inTurn(deliver: () => void): void {
    if (this.later !== undefined) {
      this.later.push(deliver);
      return;
    }
    const later: (() => void)[] = (this.later = []);
    try {
      deliver();
      for (const next of later) next();
    } finally {
      this.later = undefined;
    }
  }

  /** Delivers an entry to one subscriber, without its first messages; says how many. */
  deliverTo(topic: Topic, subscription: Subscription, live: Live, first: number): number {
    const { member } = subscription;
    let count = 0;
    for (const [index, message] of this.framed(topic, live).entries()) {
      if (index < first || live.excepts?.[index] === member.socket || !member.isOpen) continue;
      this.counters.due++;
      member.deliver(topic.name, message);
      count++;
    }
    return count;
  }

  private deliver(topic: Topic, live: Live): void {
    const latest = this.serial;
    const { excepts, place } = live;
    const framed = this.framed(topic, live);
    if (channels.deliver.hasSubscribers) {
      channels.deliver.publish({ topic: topic.name, messages: framed.length, subscribers: topic.subscribers.size });
    }
    const subscriptions = topic.subscribers;
    // Without history nothing waits for its past.
    if (place !== undefined) {
      for (const { held, serial } of subscriptions.values()) if (serial <= latest) held?.push(live);
    }
    for (let index = 0; index < framed.length; index++) {
      const message = framed[index];
      const except = excepts?.[index];
      for (const subscription of subscriptions.values()) {
        const { member } = subscription;
        // A map gives its entries in the order of their arrival: the rest came after this message.
        if (subscription.serial > latest) break;
        if (subscription.held !== undefined || !member.isOpen || member.socket === except) continue;
        if (place !== undefined && !subscription.isDue(place)) continue;
        this.counters.due++;
        member.deliver(topic.name, message);
      }
    }
  }

  private framed(topic: Topic, live: Live): FramedMessage[] {
    const { entry, place } = live;
    const last = entry.messages.length - 1;
    try {
      return (live.framed ??= entry.messages.map((message, index) =>
        this.frame(topic.name, message, place === undefined ? '' : positionIn(place, index, last)),
      ));
    } catch (error) {
      this.failed(error);
      return [];
    }
  }

  private frame(topic: string, { payload, isBinary, compress }: EntryMessage, position: string): FramedMessage {
    const { envelope } = this;
    if (envelope === undefined) return new FramedMessage(payload, isBinary, compress);
    const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
    const made = envelope({ topic, data: isBinary ? bytes : bytes.toString(), isBinary, position });
    return new FramedMessage(made, typeof made !== 'string', compress);
  }
}
