// `Topic` is one topic in this process: its subscribers, and their progress in its history.
import type { FramedRun } from '../node/framed-run.js';
import { decodeEntry, type Entry } from './entry.js';
import type { Member, TopicSocket } from './member.js';
import { behind, type Place, type Position } from './position.js';

/** An entry in delivery. */
export interface Live {
  readonly entry: Entry;
  readonly place: Place | undefined;
  readonly excepts: readonly (TopicSocket | undefined)[] | undefined;
  /** The messages with their frames, once made. */
  framed: FramedRun | undefined;
}

/** The subscription of one socket. */
export class Subscription {
  /** The entries that came while its past was read and until the caller had its position. */
  held: Live[] | undefined;
  /** How many bytes `held` may still have; below 0 nothing is held, and the past is to be read again. */
  left: number = Infinity;
  /** The messages that its socket does not get, although the past has them, by the offsets of their entries. */
  excepts: Map<number, Live['excepts']> | undefined;
  /** Its first place, or the place up to which its past was sent. */
  from: Position | undefined;
  started: Promise<SubscribeResult> | undefined;
  /** Called once it goes on: the engine has confirmed, the socket has room for the past, or the subscription has ended. */
  confirm: (() => void) | undefined;

  constructor(
    readonly member: Member,
    /** Increases, so that a fan-out can tell the subscriptions that came after it had begun. */
    readonly serial: number,
    /** Whether its socket is one of ours, whose sends nothing of the application looks at. */
    readonly isOurs: boolean,
  ) {}

  /** Holds what comes from now on, up to so many bytes. */
  holdFrom(position: Position | undefined, left: number): void {
    this.from = position;
    this.held = [];
    this.left = left;
  }

  hold(live: Live): void {
    const { entry, place, excepts } = live;
    if (excepts?.includes(this.member.socket)) (this.excepts ??= new Map()).set(place!.offset, excepts);
    const bytes = entry.messages.reduce((sum, { payload }) => sum + payload.length, 0);
    this.left -= bytes;
    if (this.left >= 0) {
      this.held!.push(live);
      return;
    }
    this.held = [];
    this.member.miss(bytes);
  }

  /** Whether an entry comes after the first place: the engine may relay one after its history has shown it. */
  isDue(place: Place | undefined): boolean {
    const { from } = this;
    return place === undefined || from === undefined || place.epoch !== from.epoch || place.offset >= from.offset;
  }
}

export interface SubscribeResult {
  /** Whether everything published after `after` has been sent. */
  readonly recovered: boolean;
  /** The position of the subscription; '' without history. Live messages follow once a caller that awaits has this. */
  readonly position: string;
}

/** The number of publishers of a topic whose last entries are remembered. */
const PUBLISHERS = 1000;

export class Topic {
  readonly subscribers: Map<TopicSocket, Subscription> = new Map();
  /** How many of them have a socket of another make. */
  others = 0;
  /** Whether the engine has confirmed the subscription, and the topic's position is known. */
  isConfirmed = false;
  /** The place where the next entry is expected. */
  position: Position | undefined;
  /** Entries that come while the past is being read. */
  early: { entry: Uint8Array; place: Place | undefined }[] | undefined;
  /** Counts the reads of the past; the result of an outdated one is ignored. */
  reads = 0;
  /** The time when the last subscriber left, in ms. */
  emptySince: number | undefined;
  private readonly latest = new Map<string, number>();

  constructor(readonly name: string) {}

  /** Whether a subscription has not ended. */
  has(subscription: Subscription): boolean {
    return this.subscribers.get(subscription.member.socket) === subscription;
  }

  /** The engine has confirmed. */
  begin(position: Position | undefined): void {
    if (position !== undefined) this.position = position;
    if (this.isConfirmed) return;
    this.isConfirmed = true;
    for (const subscription of this.subscribers.values()) {
      subscription.from ??= this.position;
      subscription.confirm?.();
    }
  }

  /**
   * Judges an entry by its place, and moves past it where it is new.
   * @returns `hole` where entries before it are missing; `lost` where the engine has started a new history
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

  /** The entry in these bytes; undefined where there is none, or it came before: clients of engines may send twice. */
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
