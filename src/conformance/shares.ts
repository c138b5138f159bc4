// `Shares` hands out the cases of a phase so that those which send the same messages stay with one worker, that makes them once.

import type { Case } from './case.js';

/** Names the messages that a case sends; empty where no other case has use for them. */
export function messagesOf({ exam }: Case): string {
  return exam.kind === 'compression' ? `${String(exam.size).padStart(6, '0')} ${exam.file}` : '';
}

/** The cases of a phase that nobody has taken yet. */
export class Shares {
  readonly #rest: Case[];
  /** The messages that a worker sent last, by its number. */
  readonly #last: string[] = [];

  constructor(cases: readonly Case[]) {
    this.#rest = [...cases];
  }

  get length(): number {
    return this.#rest.length;
  }

  /** The case that comes next whatever the worker; undefined when none is left. */
  get first(): Case | undefined {
    return this.#rest.at(0);
  }

  /** The next case for a worker: with the messages it sent last, else with messages of its own, else from the largest share of another. */
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

  /** The messages of which the most bytes are still to be sent. */
  #most(): string | undefined {
    const bytes = new Map<string, number>();
    for (const one of this.#rest) {
      const messages = messagesOf(one);
      bytes.set(messages, (bytes.get(messages) ?? 0) + Number.parseInt(messages, 10));
    }
    return [...bytes].sort(([, some], [, others]) => others - some)[0]?.[0];
  }

  /** Takes a case back that was not played; it is the next one again. */
  putBack(one: Case): void {
    this.#rest.unshift(one);
  }
}
