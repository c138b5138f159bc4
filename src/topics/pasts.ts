// `Pasts` sends subscriptions the history after their positions, at the pace of their sockets.
import { setTimeout as delay } from 'node:timers/promises';
import type { Broker } from './broker.js';
import type { Delivery } from './delivery.js';
import type { Outbox } from './outbox.js';
import type { Position } from './position.js';
import { Reads, type Past } from './reads.js';
import type { Subscription, Topic } from './topic.js';

// History: a part of about `room` bytes is read and sent, and the next one once the socket has taken that.
// Live:    what comes while a socket takes a part is in the next one, and is dropped; what comes during a read is held.
// End:     after the last part, what was held follows, and the subscription is live.

/** The delay before the history is read again when the engine has not answered, in ms. */
const AGAIN = 100;

export class Pasts {
  private readonly reads: Reads;

  /** @param room how many bytes of the past, and how many that come meanwhile, may wait for a subscription */
  constructor(
    private readonly delivery: Delivery,
    broker: Broker,
    outbox: Outbox,
    private readonly room: number,
  ) {
    this.reads = new Reads(broker, outbox, Math.max(1, room));
  }

  /** Sends everything after a position; false where that is not possible, or the subscription has ended. */
  async recover(topic: Topic, subscription: Subscription, after: Position): Promise<boolean> {
    const { member } = subscription;
    try {
      for (let from = after; topic.has(subscription);) {
        subscription.holdFrom(topic.position, this.room);
        let past: Past | undefined;
        try {
          past = await this.reads.read(topic.name, from);
        } catch {
          await delay(AGAIN, undefined, { ref: false });
          continue;
        }
        const reached = past && this.delivery.deliverPast(topic, subscription, past, from);
        if (past === undefined || reached === undefined) {
          subscription.holdFrom(topic.position, Infinity);
          break;
        }
        from = reached;
        if (reached !== past.end) {
          subscription.holdFrom(undefined, -1);
          await member.turn(subscription);
        } else if (!past.hasMore && subscription.left >= 0) {
          [subscription.from, subscription.left] = [reached, Infinity];
          return true;
        }
      }
      return false;
    } finally {
      subscription.excepts = undefined;
      member.next();
    }
  }
}
