// `Results` is a queue between the cases that end and the caller that iterates over their results.

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
