// `Topic` is one topic in this process: its subscribers, and how far they have got in its history.
import type { FramedMessage } from '../node/framed-message.js';
import type { Recovery } from './broker.js';
import { decodeEntry, type Entry } from './entry.js';
import type { Member, TopicSocket } from './member.js';
import { behind, type Place, type Position } from './position.js';

/** An entry as it is delivered. */
export interface Live {
  readonly entry: Entry;
  readonly place: Place | undefined;
  readonly excepts: readonly (TopicSocket | undefined)[] | undefined;
  /** Its messages with their frames, once made. */
  framed: FramedMessage[] | undefined;
}

/** One socket's subscription. */
export class Subscription {
  /** Until its past is read, and the caller has been told where it stands: the entries that came meanwhile. */
  held: Live[] | undefined;
  /** Where it began, or up to where its past was sent. */
  from: Position | undefined;
  started: Promise<SubscribeResult> | undefined;

  constructor(
    readonly member: Member,
    /** Rises, so that a fan-out tells those who came after it had begun. */
    readonly serial: number,
  ) {}

  /** Whether an entry is behind the beginning: the engine may tell of one after its history has. */
  isDue(place: Place | undefined): boolean {
    const { from } = this;
    return place === undefined || from === undefined || place.epoch !== from.epoch || place.offset >= from.offset;
  }
}

export interface SubscribeResult {
  /** Whether all that was published after `after` has been sent. */
  readonly recovered: boolean;
  /** Where the subscription stands; '' without history. What is live is sent once a caller that awaits has this. */
  readonly position: string;
}

/** Of so many publishers of a topic it is remembered which entry was their last. */
const PUBLISHERS = 1000;

export class Topic {
  readonly subscribers: Map<TopicSocket, Subscription> = new Map();
  /** Settles once the engine has confirmed the subscription, and the topic's position is known. */
  readonly confirmed: Promise<void>;
  isConfirmed = false;
  /** Where the next entry is expected. */
  position: Position | undefined;
  /** Entries that come while the past is being read. */
  early: { entry: Uint8Array; place: Place | undefined }[] | undefined;
  /** Counts the reads of the past; one that was overtaken says nothing. */
  reads = 0;
  /** When the last subscriber left, in ms. */
  emptySince: number | undefined;
  private confirm!: () => void;
  private readonly latest = new Map<string, number>();

  constructor(readonly name: string) {
    this.confirmed = new Promise((resolve) => (this.confirm = resolve));
  }

  /** The engine has confirmed. */
  begin(position: Position | undefined): void {
    if (position !== undefined) this.position = position;
    if (this.isConfirmed) return;
    this.isConfirmed = true;
    for (const subscription of this.subscribers.values()) subscription.from ??= this.position;
    this.confirm();
  }

  /** Whether the history that was read goes on where this topic is. */
  follows({ epoch, isWhole }: Recovery): boolean {
    return this.position === undefined || (isWhole && epoch === this.position.epoch);
  }

  /**
   * Judges an entry with its place, and moves on behind it where it is new.
   * @returns `hole` where entries before it are missing; `lost` where the engine has begun its history anew
   */
  judge(place: Place): 'new' | 'old' | 'hole' | 'lost' {
    const { position } = this;
    if (position === undefined || position.epoch === place.epoch) {
      if (position !== undefined && place.offset < position.offset) return 'old';
      if (position !== undefined && place.before !== undefined && place.before >= position.offset) return 'hole';
      this.position = behind(place);
      return 'new';
    }
    this.position = behind(place);
    return 'lost';
  }

  /** The entry in these bytes; undefined where there is none, or it has come before: clients of engines may send twice. */
  decode(bytes: Uint8Array): Entry | undefined {
    const entry = decodeEntry(bytes);
    if (entry === undefined) return undefined;
    const { origin, number } = entry;
    if (number <= (this.latest.get(origin) ?? -1)) return undefined;
    this.latest.set(origin, number);
    if (this.latest.size > PUBLISHERS) this.latest.delete(this.latest.keys().next().value!);
    return entry;
  }
}
