// `scriptOf` makes the part that one side played in a recorded connection: its frames, and the messages it was sent.
import { Opcode } from '../../sans-io.js';
import { isControl, type Side } from '../traffic/frame.js';
import { Messages } from '../traffic/messages.js';
import {
  fieldIn,
  recordedMessages,
  type RecordedConnection,
  type RecordedFrame,
  type RecordedMessage,
} from '../traffic/recorded.js';
import { compressionsIn } from '../traffic/tap.js';

export const EXTENSIONS = 'sec-websocket-extensions';

/** One frame to send. */
export interface Step {
  readonly frame: RecordedFrame;
  /** How many messages of the peer came before it, in the recording. */
  readonly after: number;
}

/** The part of one side. */
export interface Script {
  readonly steps: readonly Step[];
  /** The messages of the peer. */
  readonly expected: readonly RecordedMessage[];
  /** The side that sent a Close first; undefined where none did. */
  readonly closer: Side | undefined;
  readonly end: number;
}

/**
 * @param isExact whether frames go out as they stood on the wire: compressed ones can only where the same compression was agreed on;
 *   else each message is one frame that is not compressed
 */
export function scriptOf(connection: RecordedConnection, side: Side, isExact: boolean): Script {
  const expected = recordedMessages(connection).filter(({ from }) => from !== side);
  const own = connection.frames.filter(({ from }) => from === side);
  const closer = connection.frames.find(({ opcode }) => opcode === Opcode.Close)?.from;
  // The pings and the Close of now are answered, and not those of then.
  const answers = closer === side ? [Opcode.Pong] : [Opcode.Pong, Opcode.Close];
  const frames = (isExact ? own : plainFrames(connection, own, side)).filter(({ opcode }) => !answers.includes(opcode));
  let after = 0;
  const steps = frames.map((frame) => {
    while (after < expected.length && expected[after].time < frame.time) after++;
    return { frame, after };
  });
  return { steps, expected, closer, end: connection.end ?? connection.frames.at(-1)?.time ?? 0 };
}

/** Whether a side's frames need the compression that was agreed on. */
export function needsCompression({ frames }: RecordedConnection, side: Side): boolean {
  return frames.some(({ from, rsv }) => from === side && rsv !== 0);
}

function plainFrames({ heads }: RecordedConnection, own: readonly RecordedFrame[], side: Side): RecordedFrame[] {
  const messages = new Messages(compressionsIn(fieldIn(heads.response, EXTENSIONS))?.[side]);
  return own.flatMap((frame) => {
    const message = messages.push(frame)?.message;
    if (isControl(frame.opcode)) return [frame];
    if (message?.data === undefined) return [];
    const { isBinary, data } = message;
    const opcode = isBinary ? Opcode.Binary : Opcode.Text;
    return [{ ...frame, opcode, fin: true, rsv: 0, headerLength: undefined, length: data.length, payload: data }];
  });
}

/** Whether two fields Sec-WebSocket-Extensions say the same. */
export function sayTheSame(one: string | undefined, other: string | undefined): boolean {
  return (one ?? '').replaceAll(/\s/g, '') === (other ?? '').replaceAll(/\s/g, '');
}
