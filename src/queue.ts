// Queue holds items in the order they came, and takes each in and out in constant time.

/** So many places at the front may stay empty before the rest is moved up. */
const EMPTY_PLACES = 64;

/** A list that grows at its end and shrinks at its front. `Array.prototype.shift` moves all that is left each time. */
export class Queue<T> {
  private items: (T | undefined)[] = [];
  /** Where the first item lies. */
  private front = 0;

  get length(): number {
    return this.items.length - this.front;
  }

  /** The item that `shift` would return. */
  get first(): T | undefined {
    return this.items[this.front];
  }

  /** Puts an item in the place of the first one, which is there. */
  replaceFirst(item: T): void {
    this.items[this.front] = item;
  }

  push(item: T): void {
    this.items.push(item);
  }

  /** Takes the first item out; undefined where there is none. */
  shift(): T | undefined {
    const { items, front } = this;
    if (front === items.length) return undefined;
    const item = items[front];
    items[front] = undefined;
    this.front = front + 1;
    if (this.front === items.length) this.clear();
    // As many items are moved at most as were taken out since the last time.
    else if (this.front >= EMPTY_PLACES && 2 * this.front >= items.length) {
      this.items = items.slice(this.front);
      this.front = 0;
    }
    return item;
  }

  /** Forgets every item. */
  clear(): void {
    this.items = [];
    this.front = 0;
  }

  /** Takes every item out, first to last. */
  takeAll(): T[] {
    const all = this.items.slice(this.front) as T[];
    this.clear();
    return all;
  }

  *[Symbol.iterator](): Iterator<T> {
    for (let at = this.front; at < this.items.length; at++) yield this.items[at] as T;
  }
}
