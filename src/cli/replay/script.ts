// `scriptOf` returns the script of one side of a recorded connection: its frames, and the messages that it received.
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
  /** The number of the peer's messages that came before it in the recording. */
  readonly after: number;
}

/** The frames that one side sends, and the messages that it receives. */
export interface Script {
  readonly steps: readonly Step[];
  /** The messages that the peer sent. */
  readonly expected: readonly RecordedMessage[];
  /** The side that sent a Close first; undefined if none did. */
  readonly closer: Side | undefined;
  readonly end: number;
}

/**
 * @param isExact whether frames are sent as they were on the wire, for which compressed ones need equal compression;
 *   otherwise each message is one uncompressed frame
 */
export function scriptOf(connection: RecordedConnection, side: Side, isExact: boolean): Script {
  const expected = recordedMessages(connection).filter(({ from }) => from !== side);
  const own = connection.frames.filter(({ from }) => from === side);
  const closer = connection.frames.find(({ opcode }) => opcode === Opcode.Close)?.from;
  // The player answers the pings and the Close that it receives, so the recorded answers are left out.
  const answers = closer === side ? [Opcode.Pong] : [Opcode.Pong, Opcode.Close];
  const frames = (isExact ? own : plainFrames(connection, own, side)).filter(({ opcode }) => !answers.includes(opcode));
  let after = 0;
  const steps = frames.map((frame) => {
    while (after < expected.length && expected[after].time < frame.time) after++;
    return { frame, after };
  });
  return { steps, expected, closer, end: connection.end ?? connection.frames.at(-1)?.time ?? 0 };
}

/** Whether a side's frames need the agreed compression. */
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

/** Whether two Sec-WebSocket-Extensions fields are the same apart from white space. */
export function sayTheSame(one: string | undefined, other: string | undefined): boolean {
  return (one ?? '').replaceAll(/\s/g, '') === (other ?? '').replaceAll(/\s/g, '');
}
