// `FramedRun` is one or more messages to many that come together, whose frames leave in one piece where nothing keeps them apart.
import { FULL_BATCH } from '../spec/limits.js';
import type { FramedMessage } from './framed-message.js';
import { nodeValues } from './values.js';

export class FramedRun {
  /** How long `frames` is; 0 for messages that leave one by one: long ones, one that may be compressed, a gap. */
  readonly length: number;
  private joined: Uint8Array | undefined;

  /** @param messages undefined where a message could not be made */
  constructor(readonly messages: readonly (FramedMessage | undefined)[]) {
    this.length = messages.every(isPlain) ? lengthOf(messages) : 0;
  }

  /** All frames, without compression, in memory that nothing changes. */
  get frames(): Uint8Array {
    return (this.joined ??= this.messages.length === 1 ? this.messages[0]!.frame : this.join());
  }

  private join(): Uint8Array {
    const memory = nodeValues.allocate(this.length);
    let at = 0;
    for (const message of this.messages) at = message!.writeTo(memory, at);
    return memory;
  }
}

function isPlain(message: FramedMessage | undefined): message is FramedMessage {
  return message?.compress === false;
}

/** The length of all frames; 0 where they are more than leave in one write. */
function lengthOf(messages: readonly FramedMessage[]): number {
  let sum = 0;
  for (const { length } of messages) sum += length;
  return sum <= FULL_BATCH ? sum : 0;
}
