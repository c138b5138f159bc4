// `Position` is a place in the history of a topic, which clients keep as an opaque string.

/** The place of an entry in the history of its topic. */
export interface Place {
  /** Changes when the engine has lost its history. */
  readonly epoch: string;
  /** Increases with each entry of the topic. */
  readonly offset: number;
  /** The offset of the topic's previous entry, where the broker knows it: a difference shows that an entry was lost. */
  readonly before?: number;
}

/** A place between two messages: after all entries before `offset`, and the first `seen` messages of that entry. */
export interface Position extends Place {
  readonly seen: number;
}

/** The position after an entry. */
export function behind({ epoch, offset }: Place): Position {
  return { epoch, offset: offset + 1, seen: 0 };
}

export function writePosition({ epoch, offset, seen }: Position): string {
  return seen === 0 ? `${offset}.${epoch}` : `${offset}-${seen}.${epoch}`;
}

/** Undefined for text that is not a position: clients may send anything. */
export function readPosition(text: unknown): Position | undefined {
  if (typeof text !== 'string' || text.length > 128) return undefined;
  const match = /^(\d{1,16})(?:-(\d{1,9}))?\.([\w-]+)$/.exec(text);
  if (match === null) return undefined;
  return { epoch: match[3], offset: Number(match[1]), seen: Number(match[2] ?? 0) };
}
