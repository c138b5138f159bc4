// `Gathering` joins messages of one tick to the subscribers in this process, so that a tick leaves each in one piece.
import { catchUp, putOffSends } from '../node/flush-time.js';
import { MOST_TO_MANY } from '../spec/limits.js';
import type { EntryMessage } from './entry.js';
import type { TopicSocket } from './member.js';
import type { Live, Topic } from './topic.js';

/**
 * Messages that follow each other to one topic wait for the end of the tick, or for whatever sends next: another topic, or
 * a connection for itself. So their order is the order of the calls.
 */
export class Gathering {
  private topic: Topic | undefined;
  private messages: EntryMessage[] = [];
  private excepts: (TopicSocket | undefined)[] | undefined;
  private bytes = 0;
  private isPutOff = false;

  constructor(private readonly deliver: (topic: Topic, live: Live) => void) {}

  add(topic: Topic, message: EntryMessage, except: TopicSocket | undefined): void {
    if (this.topic !== topic || this.bytes + message.payload.length > MOST_TO_MANY) this.release();
    // Messages that another part of the process gathers come first.
    if (this.topic === undefined) catchUp();
    this.topic = topic;
    if (except !== undefined) (this.excepts ??= [])[this.messages.length] = except;
    this.messages.push(message);
    this.bytes += message.payload.length;
    if (this.isPutOff) return;
    this.isPutOff = true;
    putOffSends(() => {
      this.isPutOff = false;
      this.release();
    });
  }

  /** Delivers all that was gathered. */
  release(): void {
    const { topic, messages, excepts } = this;
    if (topic === undefined) return;
    this.topic = this.excepts = undefined;
    this.messages = [];
    this.bytes = 0;
    this.deliver(topic, { entry: { origin: '', number: 0, messages }, place: undefined, excepts, framed: undefined });
  }
}
