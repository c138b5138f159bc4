// `Position` is a place in the history of a topic, which clients keep as an opaque string.

/** Where an entry stands in the history of its topic. */
export interface Place {
  /** Another one after the engine has lost its history. */
  readonly epoch: string;
  /** Rises with each entry of the topic. */
  readonly offset: number;
  /** The offset of the topic's entry before it, where the broker knows: a hole then shows that an entry was lost. */
  readonly before?: number;
}

/** A place between two messages: all entries before `offset`, and the first `seen` messages of that one, have been. */
export interface Position extends Place {
  readonly seen: number;
}

/** The position behind an entry. */
export function behind({ epoch, offset }: Place): Position {
  return { epoch, offset: offset + 1, seen: 0 };
}

export function writePosition({ epoch, offset, seen }: Position): string {
  return seen === 0 ? `${offset}.${epoch}` : `${offset}-${seen}.${epoch}`;
}

/** Undefined for text that is no position: clients may send anything. */
export function readPosition(text: unknown): Position | undefined {
  if (typeof text !== 'string' || text.length > 128) return undefined;
  const match = /^(\d{1,15})(?:-(\d{1,9}))?\.([\w-]+)$/.exec(text);
  if (match === null) return undefined;
  return { epoch: match[3], offset: Number(match[1]), seen: Number(match[2] ?? 0) };
}
