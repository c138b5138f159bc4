// `FramedRun` is one or more messages to many that come together, whose frames leave in one piece where nothing keeps them apart.
import { FULL_BATCH } from '../spec/limits.js';
import type { Sharing } from './deflate/sharing.js';
import type { FramedMessage } from './framed-message.js';
import { joined, nodeValues } from './values.js';

/** The frames of all messages, for connections of one class, in memory that nothing changes. */
export interface Piece {
  readonly frames: Uint8Array;
  /** What was compressed in them. */
  readonly contents: readonly Uint8Array[];
}

export class FramedRun {
  /** How long the frames are without compression; 0 for messages that leave one by one: long ones, a gap. */
  readonly length: number;
  /** Whether no message may be compressed. */
  readonly isPlain: boolean;
  private plain: Piece | undefined;
  private pieces: Map<Sharing, Piece | undefined> | undefined;

  /** @param messages undefined where a message could not be made */
  constructor(readonly messages: readonly (FramedMessage | undefined)[]) {
    this.length = messages.every(isMade) ? lengthOf(messages) : 0;
    this.isPlain = messages.every((message) => message?.compress === false);
  }

  /** The frames for connections of a class, or without compression; undefined where the thread pool compresses one of them. */
  pieceFor(sharing: Sharing | undefined): Piece | undefined {
    if (sharing === undefined || this.isPlain) return (this.plain ??= { frames: this.join(), contents: [] });
    const pieces = (this.pieces ??= new Map());
    if (!pieces.has(sharing)) pieces.set(sharing, this.compressed(sharing));
    return pieces.get(sharing);
  }

  /** All frames, without compression. */
  private join(): Uint8Array {
    const { messages } = this;
    if (messages.length === 1) return messages[0]!.frame;
    const memory = nodeValues.allocate(this.length);
    let at = 0;
    for (const message of messages) at = message!.writeTo(memory, at);
    return memory;
  }

  private compressed(sharing: Sharing): Piece | undefined {
    const forms: Uint8Array[] = [];
    const contents: Uint8Array[] = [];
    for (const message of this.messages) {
      const form = message!.compress ? message!.formFor(sharing) : message!.frame;
      if (form instanceof Promise) return undefined;
      forms.push(form);
      if (form !== message!.frame) contents.push(message!.content);
    }
    return { frames: forms.length === 1 ? forms[0] : joined(forms), contents };
  }
}

function isMade(message: FramedMessage | undefined): message is FramedMessage {
  return message !== undefined;
}

/** The length of all frames; 0 where they are more than leave in one write. */
function lengthOf(messages: readonly FramedMessage[]): number {
  let sum = 0;
  for (const { length } of messages) sum += length;
  return sum <= FULL_BATCH ? sum : 0;
}
