// `Results` is a queue between the cases that end and the caller that iterates over their results.
import { type CaseResult, DIED, isPass } from './result.js';

/** Yields the added results until it is closed; then it throws the error that `close` received, if any. */
export class Results<T> implements AsyncIterable<T> {
  readonly #items: T[] = [];
  #end: { error: unknown } | null = null;
  #wake: (() => void) | null = null;

  add(item: T): void {
    if (this.#end !== null) return;
    this.#items.push(item);
    this.#wake?.();
  }

  close(error: unknown = null): void {
    this.#end ??= { error };
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    for (;;) {
      while (this.#items.length > 0) yield this.#items.shift() as T;
      if (this.#end !== null) {
        if (this.#end.error !== null) throw this.#end.error;
        return;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
    }
  }
}

/** Holds results of cases that are to run again alone, for a run that ends before: then those that do not pass are yielded. */
export class HeldResults extends Results<CaseResult> {
  readonly #held = new Map<string, CaseResult>();

  hold(result: CaseResult): void {
    this.#held.set(result.id, { ...result, result: `${result.result} It was not run again alone.` });
  }

  /** Puts the result of a case that has run again in the place of the held one; with an unclean end it may be another's fault. */
  replace(result: CaseResult): void {
    if (this.#held.delete(result.id) && result.wasClean) this.#held.set(result.id, result);
  }

  override add(result: CaseResult): void {
    this.#held.delete(result.id);
    super.add(result);
  }

  /** Adds the result of a case that killed the server. */
  addDeath(result: CaseResult): void {
    this.add({
      ...result,
      behavior: 'FAILED',
      behaviorClose: 'FAILED',
      result: `${DIED}: it no longer answers. Before that: ${result.result}`,
      resultClose: 'The server no longer answers',
    });
  }

  override close(error: unknown = null): void {
    for (const each of this.#held.values()) if (!isPass(each, false)) this.add(each);
    super.close(error);
  }
}
