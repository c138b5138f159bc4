// `Shares` distributes the cases of a phase: one worker takes all cases that send the same messages, and makes these once.

import type { Case } from './case.js';

/** The name of the messages that a case sends; empty where no other case sends them. */
export function messagesOf({ exam }: Case): string {
  return exam.kind === 'compression' ? `${String(exam.size).padStart(6, '0')} ${exam.file}` : '';
}

/** The cases of a phase that no worker has taken yet. */
export class Shares {
  readonly #rest: Case[];
  /** The messages that each worker sent last, by its number. */
  readonly #last: string[] = [];

  constructor(cases: readonly Case[]) {
    this.#rest = [...cases];
  }

  get length(): number {
    return this.#rest.length;
  }

  /** The first case that is left; undefined for none. */
  get first(): Case | undefined {
    return this.#rest.at(0);
  }

  /** The next case for a worker: with the messages it sent last, else with ones that no worker sent last, else with `#most`. */
  take(worker: number): Case | undefined {
    const own = this.#find((messages) => messages === this.#last[worker]);
    const fresh = own >= 0 ? own : this.#find((messages) => messages === '' || !this.#last.includes(messages));
    if (this.#rest.length === 0) return undefined;
    const [one] = this.#rest.splice(fresh >= 0 ? fresh : this.#find((messages) => messages === this.#most()), 1);
    this.#last[worker] = messagesOf(one);
    return one;
  }

  #find(isWanted: (messages: string) => boolean): number {
    return this.#rest.findIndex((one) => isWanted(messagesOf(one)));
  }

  /** The messages with the most bytes left to send. */
  #most(): string | undefined {
    const bytes = new Map<string, number>();
    for (const one of this.#rest) {
      const messages = messagesOf(one);
      bytes.set(messages, (bytes.get(messages) ?? 0) + Number.parseInt(messages, 10));
    }
    return [...bytes].sort(([, some], [, others]) => others - some)[0]?.[0];
  }

  /** Takes back a case that was not played; it is the next one again. */
  putBack(one: Case): void {
    this.#rest.unshift(one);
  }
}
