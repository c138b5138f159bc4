// `Requests` sends requests to the NATS server, and receives the answers by one subscription of its own.

export interface NatsMessage {
  readonly subject: string;
  readonly reply?: string;
  readonly data: Uint8Array;
  readonly headers?: { readonly code: number; get(name: string): string };
}

export interface NatsSubscription {
  unsubscribe(): void;
}

/** The part of a connection of `@nats-io/transport-node` or `nats` that is used. */
export interface NatsConnection {
  readonly info?: { readonly max_payload: number };
  publish(subject: string, data?: Uint8Array, options?: { reply?: string }): void;
  subscribe(
    subject: string,
    options: { callback: (error: Error | null, message: NatsMessage) => void },
  ): NatsSubscription;
  flush(): Promise<void>;
  status(): AsyncIterable<{ readonly type: string }>;
  isClosed(): boolean;
}

/** Any text as one token of a subject. */
export function token(text: string): string {
  return encodeURIComponent(text).replaceAll('.', '%2E').replaceAll('*', '%2A');
}

/** Receives the answers to a request, or the reason why there are none. */
type Taker = (answer: NatsMessage | Error) => void;

/** A subject for one request, and the function that ends it. */
interface Listening {
  readonly subject: string;
  readonly end: () => void;
}

/** No service at the server answers the request. */
export class Unanswered extends Error {
  override readonly name = 'Unanswered';
}

const NONE = new Uint8Array();
const NO_RESPONDERS = 503;

export class Requests {
  private readonly waiting = new Map<string, Taker>();
  private subscription: NatsSubscription | undefined;
  private latest = 0;

  /** @param inbox the subject of the answers, without its last token */
  constructor(
    private readonly connection: NatsConnection,
    private readonly inbox: string,
  ) {}

  start(): void {
    const callback = (error: Error | null, message: NatsMessage): void => {
      if (error !== null) return this.fail(error);
      this.waiting.get(message.subject.slice(this.inbox.length + 1))?.(message);
    };
    this.subscription = this.connection.subscribe(`${this.inbox}.*`, { callback });
  }

  /** Ends all pending requests. */
  fail(reason: Error): void {
    const takers = [...this.waiting.values()];
    this.waiting.clear();
    for (const take of takers) take(reason);
  }

  close(): void {
    this.subscription?.unsubscribe();
    this.fail(new Error('The broker has been closed'));
  }

  /** Passes everything on a new subject to `take`; the returned function ends that. */
  listen(take: Taker): Listening {
    const name = String(++this.latest);
    this.waiting.set(name, take);
    return { subject: `${this.inbox}.${name}`, end: () => void this.waiting.delete(name) };
  }

  /** Asks a consumer, whose messages come under the subjects that they were stored by; the returned function ends that. */
  deliver(subject: string, data: Uint8Array, take: Taker): () => void {
    const name = `s.${++this.latest}`;
    const reply = `${this.inbox}.${name}`;
    const subscription = this.connection.subscribe(reply, { callback: (error, message) => take(error ?? message) });
    this.waiting.set(name, take);
    this.connection.publish(subject, data, { reply });
    return () => {
      this.waiting.delete(name);
      if (!this.connection.isClosed()) subscription.unsubscribe();
    };
  }

  /**
   * Sends a request, and resolves with the one answer; rejects when there is no service, the connection is lost, or `timeout`
   * ms are over.
   */
  ask(subject: string, data: Uint8Array = NONE, timeout?: number): Promise<NatsMessage> {
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const take: Taker = (answer) => {
        clearTimeout(timer);
        end();
        if (answer instanceof Error) reject(answer);
        else if (answer.headers?.code === NO_RESPONDERS) reject(new Unanswered(`Nobody answers ${subject}`));
        else resolve(answer);
      };
      const { subject: reply, end } = this.listen(take);
      if (timeout !== undefined) timer = setTimeout(() => take(late()), timeout).unref();
      try {
        this.connection.publish(subject, data, { reply });
      } catch (error) {
        take(error as Error);
      }
    });
  }

  /** Sends a message to itself, and settles when it has arrived. */
  pulse(): Promise<NatsMessage> {
    return new Promise((resolve, reject) => {
      const { subject, end } = this.listen((answer) => {
        end();
        if (answer instanceof Error) reject(answer);
        else resolve(answer);
      });
      this.connection.publish(subject, NONE);
    });
  }
}

export function late(): Error {
  return new Error('The server has not answered in time');
}
