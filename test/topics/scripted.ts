// `ScriptedBroker` is a broker whose engine is the test: it notes all calls, and answers when it is told to.
import type { Broker, BrokerListener, Place, Recovery } from '../../src/topics/index.js';

interface Waiting {
  resolve(value: never): void;
  reject(error: unknown): void;
}

export class ScriptedBroker implements Broker {
  /** Each call, as its name and topics. */
  readonly calls: string[] = [];
  readonly entries: Uint8Array[] = [];
  /** Calls that wait, oldest first; only while `isPatient`. */
  readonly waiting: Waiting[] = [];
  /** Whether calls wait to be answered; otherwise they settle at once. */
  isPatient = false;
  /** Thrown by every call, not even in a promise. */
  thrown: unknown;
  /** A topic that the engine refuses, with all that are asked together with it. */
  refused: string | undefined;
  recovery: Recovery = { epoch: 'e', last: 0, isWhole: true, entries: [] };
  listener!: BrokerListener;

  constructor(
    readonly keepsHistory: boolean = false,
    readonly maxEntry?: number,
  ) {}

  start(listener: BrokerListener): void {
    this.listener = listener;
  }

  subscribe(topics: readonly string[]): Promise<void> {
    const answer = this.call(`subscribe ${topics.join()}`, undefined as never);
    const { refused } = this;
    return refused !== undefined && topics.includes(refused) ? Promise.reject(new Error('NOPERM')) : answer;
  }

  unsubscribe(topics: readonly string[]): void {
    void this.call(`unsubscribe ${topics.join()}`, undefined as never);
  }

  publish(topic: string, entry: Uint8Array): Promise<Place | undefined> {
    this.entries.push(entry);
    const place = this.keepsHistory ? { epoch: 'e', offset: this.entries.length } : undefined;
    return this.call(`publish ${topic}`, place as never);
  }

  read(topic: string, offset: number | undefined): Promise<Recovery> {
    return this.call(`read ${topic} ${offset}`, this.recovery as never);
  }

  pulse(): Promise<void> {
    return this.call('pulse', undefined as never);
  }

  async close(): Promise<void> {
    this.calls.push('close');
  }

  private call(name: string, value: never): Promise<never> {
    this.calls.push(name);
    if (this.thrown !== undefined) throw this.thrown as Error;
    if (!this.isPatient) return Promise.resolve(value);
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve: () => resolve(value), reject });
    });
  }
}
