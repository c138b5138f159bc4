// What went into a server and came out of it becomes a sentence about the first promise that was not kept.
import { hex } from '../support/events.js';
import { decodeFrame, type RawFrame } from '../support/raw-peer.js';
import { decodeReference } from '../support/reference-decoder.js';
import type { Mouth } from './mock-socket.js';

interface Expected {
  opcode: number | undefined;
  payload: string;
  calls: number;
  error: Error | undefined;
}

export class Witness {
  /** What the peer sent before and after the connection was there. */
  readonly head: Buffer[] = [];
  readonly wire: Buffer[] = [];
  maxPayload = 0;
  skipUtf8 = false;
  hasErrorListener = true;
  /** Nothing was done to the connection that lets it lose what was received. */
  isGentle = true;
  /** A message was begun with fin: false. */
  isFragmenting = false;
  closes = 0;
  private errors = 0;
  private readonly events: string[] = [];
  private readonly expected: Expected[] = [];
  private readonly frames: string[] = [];
  private readonly complaints: string[] = [];
  private lastCalled = -1;

  received(type: string, data: unknown): void {
    if (this.closes > 0) this.complaints.push(`${type} after 'close'`);
    this.events.push(`${type} ${toHex(data)}`);
  }

  closed(): void {
    this.closes++;
  }

  failed(): void {
    this.errors++;
    if (this.closes > 0) this.complaints.push("'error' after 'close'");
  }

  /** A frame that was accepted without a callback. */
  sent(opcode: number, data: Buffer): void {
    if (opcode < 8) this.frames.push(hex(data));
  }

  /** `opcode` is undefined where the send came too late: its callback comes once, with an error, at any time. */
  expectCallback(opcode: number | undefined, data: Buffer): { call(error: Error | undefined): void; reject(): void } {
    const index = this.expected.length;
    const payload = hex(data);
    const entry: Expected = { opcode, payload, calls: 0, error: undefined };
    this.expected.push(entry);
    if (opcode !== undefined) this.sent(opcode, data);
    const call = (error: Error | undefined): void => {
      entry.calls++;
      entry.error = error;
      if (entry.opcode === undefined) {
        if (error === undefined) this.complaints.push('a send that came too late was told that it had been written');
        return;
      }
      // E11: first come, first told, and before 'close'.
      if (index < this.lastCalled) this.complaints.push(`callback ${index} after callback ${this.lastCalled}`);
      this.lastCalled = Math.max(this.lastCalled, index);
      if (this.closes > 0) this.complaints.push(`callback ${index} after 'close'`);
    };
    const reject = (): void => {
      if (entry.calls > 0) return;
      entry.opcode = undefined;
      if (opcode !== undefined && opcode < 8) this.frames.splice(this.frames.lastIndexOf(payload), 1);
    };
    return { call, reject };
  }

  verdict(mouth: Mouth, deflates: boolean): string | undefined {
    if (this.closes !== 1) return `'close' came ${this.closes} times`;
    if (this.errors > 1) return `'error' came ${this.errors} times`;
    const untold = this.expected.findIndex(({ calls }) => calls !== 1);
    if (untold !== -1)
      return `callback ${untold} of ${this.expected.length} was called ${this.expected[untold].calls} times`;
    if (this.complaints.length > 0) return this.complaints[0];
    return this.judgeOutput(mouth, deflates) ?? this.judgeInput(deflates, mouth.wasCut);
  }

  /** E10: whole frames in the order of the sends; only the last may be cut, where the socket failed. */
  private judgeOutput(mouth: Mouth, deflates: boolean): string | undefined {
    const all = Buffer.concat(mouth.taken);
    const headEnd = all.indexOf('\r\n\r\n');
    if (headEnd === -1) return 'no whole head was written';
    const wire = all.subarray(headEnd + 4);
    const frames: RawFrame[] = [];
    let rest = wire;
    for (let frame = decodeFrame(rest); frame !== undefined; frame = decodeFrame(rest)) {
      frames.push(frame);
      rest = rest.subarray(frame.length);
    }
    if (rest.length > 0 && !mouth.wasCut) return `a frame was cut: ${hex(rest.subarray(0, 40))}`;
    const events = decodeReference(new Uint8Array(wire), { role: 'client', rsv: deflates ? 0x40 : 0, skipUtf8: true });
    const last = events.at(-1);
    if (last?.type === 'violation')
      return `the peer would have found violation ${last.violation} in ${hex(wire.subarray(0, 300))}`;
    const closeAt = frames.findIndex(({ opcode }) => opcode === 8);
    if (closeAt !== -1 && closeAt !== frames.length - 1) return 'a frame followed the Close';
    const data = frames.filter(({ opcode }) => opcode < 8);
    if (data.length > this.frames.length) return `${data.length} data frames for ${this.frames.length} sends`;
    const told = this.expected.filter(({ opcode, error }) => opcode === 1 && error === undefined).length;
    if (told > data.length) return `${told} sends were told that they had been written, of ${data.length}`;
    if (deflates) return undefined;
    const wrong = data.findIndex(({ payload }, index) => hex(payload) !== this.frames[index]);
    return wrong === -1
      ? undefined
      : `data frame ${wrong} is not what was sent: ${hex(data[wrong].payload).slice(0, 80)}`;
  }

  /** E13: what came in is told in order; and all of it, unless something was done to lose it. */
  private judgeInput(deflates: boolean, wasCut: boolean): string | undefined {
    if (deflates) return undefined;
    const head = Buffer.concat(this.head);
    const glued = head.subarray(head.indexOf('\r\n\r\n') + 4);
    const wire = new Uint8Array(Buffer.concat([glued, ...this.wire]));
    const { maxPayload, skipUtf8 } = this;
    const events = decodeReference(wire, { role: 'server', maxPayload, skipUtf8 });
    const meant = events.flatMap((event) => {
      if (event.type === 'message') return [`${event.text ? 'text' : 'binary'} ${event.data}`];
      return event.type === 'ping' || event.type === 'pong' ? [`${event.type} ${event.data}`] : [];
    });
    const told = this.events;
    const wrong = told.findIndex((event, index) => event !== meant[index]);
    if (wrong !== -1)
      return `event ${wrong} was ${told[wrong].slice(0, 80)}, not ${(meant[wrong] ?? 'nothing').slice(0, 80)}`;
    if (told.length < meant.length && this.isGentle && !wasCut)
      return `${told.length} of ${meant.length} events were told`;
    return undefined;
  }
}

function toHex(data: unknown): string {
  if (Array.isArray(data)) return hex(Buffer.concat(data as Buffer[]));
  if (data instanceof ArrayBuffer) return hex(new Uint8Array(data));
  return hex(data as Buffer);
}
