// `readRecording` and `writeRecording` implement the format of recordings: a line of JSON per head, frame and end.
import { Buffer } from 'node:buffer';
import { CommandError, wordsOf } from '../command-error.js';
import { parsed, readFile } from '../files.js';
import { bufferOf, textIn } from './frame.js';
import { fromHar, isHar, isHarName } from './har.js';
import type { RecordedConnection, RecordedFrame } from './recorded.js';

/** The version of the format, which each line of a head contains. */
const VERSION = 1;

/** Returns the line of a connection's heads. */
export function headLine({ number, url, started, heads }: Omit<RecordedConnection, 'frames'>): string {
  return line({ recording: VERSION, connection: number, started: new Date(started).toISOString(), url, ...heads });
}

/** Returns the line of a frame, without members that have their default values. */
export function frameLine(connection: number, frame: RecordedFrame): string {
  const { from, opcode, fin, rsv, isMasked, headerLength, length, payload } = frame;
  const text = rsv === 0 ? textIn(payload) : undefined;
  // The JSON is built without an object, which would be most of the work of a recorder.
  let json = `{"connection":${connection},"time":${thousandths(frame.time)},"from":"${from}","opcode":${opcode}`;
  if (!fin) json += ',"fin":false';
  if (rsv !== 0) json += `,"rsv":${rsv}`;
  if (isMasked !== (from === 'client')) json += `,"masked":${isMasked}`;
  if (headerLength !== undefined) json += `,"headerLength":${headerLength}`;
  if (payload.length !== length) json += `,"length":${length}`;
  if (text === undefined) return `${json},"base64":"${bufferOf(payload).toString('base64')}"}\n`;
  return `${json},"text":${JSON.stringify(text)}}\n`;
}

/** Returns the line of a connection's end. */
export function endLine(connection: number, time: number): string {
  return line({ connection, time: thousandths(time), end: true });
}

/** Returns all lines of connections: first their heads, then the frames and the end of each. */
export function writeRecording(connections: readonly RecordedConnection[]): string {
  const lines = connections.map(headLine);
  for (const { number, frames, end } of connections) {
    lines.push(...frames.map((frame) => frameLine(number, frame)));
    if (end !== undefined) lines.push(endLine(number, end));
  }
  return lines.join('');
}

function line(value: object): string {
  return `${JSON.stringify(value)}\n`;
}

/** Rounds a time in ms to the microsecond. */
function thousandths(time: number): number {
  return Math.round(time * 1000) / 1000;
}

/**
 * Reads the connections of a recording, or of a HAR.
 * @throws CommandError if the file cannot be read, has an invalid line, or holds no connection
 */
export function readRecording(file: string): RecordedConnection[] {
  const bytes = readFile(file);
  const whole = parsed(bytes);
  if (isHar(whole)) return withFrames(file, readHar(file, whole));
  if (isHarName(file)) throw new CommandError(`${file} is no HAR: JSON with "log" and its "entries".`);
  const connections = new Map<number, RecordedConnection>();
  // Line by line: a long recording does not fit into a string.
  for (let number = 1, at = 0; at < bytes.length; number++) {
    const end = bytes.indexOf('\n', at);
    const next = end < 0 ? bytes.length : end + 1;
    try {
      const words = bytes.toString('utf8', at, next);
      const value = parsed(words);
      // A recording that was broken off, such as by a full disk, can end within a line.
      if (value === undefined && end < 0 && connections.size > 0) break;
      if (words.trim() !== '') takeLine(connections, value);
    } catch (error) {
      throw new CommandError(`${file}, line ${number}: ${wordsOf(error)}.`);
    }
    at = next;
  }
  return withFrames(file, [...connections.values()]);
}

/** @throws CommandError for a HAR whose entries are not as browsers write them */
function readHar(file: string, har: Parameters<typeof fromHar>[0]): RecordedConnection[] {
  try {
    return fromHar(har);
  } catch {
    throw new CommandError(`${file} is not as browsers write it: an entry of a WebSocket lacks some member.`);
  }
}

function withFrames(file: string, connections: RecordedConnection[]): RecordedConnection[] {
  if (connections.length === 0) throw new CommandError(`${file} holds no WebSocket connection.`);
  return connections;
}

/** The members that a line may have, unchecked. */
interface Line {
  recording?: unknown;
  connection?: unknown;
  started?: unknown;
  url?: unknown;
  request?: unknown;
  response?: unknown;
  time?: unknown;
  end?: unknown;
  from?: unknown;
  opcode?: unknown;
  fin?: unknown;
  rsv?: unknown;
  masked?: unknown;
  headerLength?: unknown;
  length?: unknown;
  text?: unknown;
  base64?: unknown;
}

function takeLine(connections: Map<number, RecordedConnection>, value: unknown): void {
  if (typeof value !== 'object' || value === null) throw new Error('this is no JSON object');
  const given = value as Line;
  const number = within(given.connection ?? 1, 'connection', 1, Number.MAX_SAFE_INTEGER);
  if (given.recording !== undefined) {
    if (given.recording !== VERSION) throw new Error(`this version of the format is not known, only ${VERSION} is`);
    if (connections.has(number)) throw new Error(`connection ${number} has opened already`);
    connections.set(number, {
      number,
      url: words(given.url, 'url'),
      started: Date.parse(words(given.started, 'started')) || 0,
      heads: { request: words(given.request ?? '', 'request'), response: words(given.response ?? '', 'response') },
      frames: [],
    });
    return;
  }
  const connection = connections.get(number);
  if (connection === undefined) throw new Error(`no line before this one opens connection ${number}`);
  const time = given.time;
  if (typeof time !== 'number' || !(time >= 0)) throw new Error('"time" is a number of ms from 0');
  if (given.end === true) connection.end = time;
  else connection.frames.push(frameIn(given, time));
}

function frameIn(given: Line, time: number): RecordedFrame {
  const { from, text, base64, fin = true } = given;
  if (from !== 'client' && from !== 'server') throw new Error('"from" is "client" or "server"');
  if (typeof fin !== 'boolean') throw new Error('"fin" is true or false');
  if ((typeof text === 'string') === (typeof base64 === 'string')) throw new Error('a frame has "text" or "base64"');
  const isMasked = given.masked ?? from === 'client';
  if (typeof isMasked !== 'boolean') throw new Error('"masked" is true or false');
  const payload = typeof text === 'string' ? Buffer.from(text) : Buffer.from(base64 as string, 'base64');
  const most = Number.MAX_SAFE_INTEGER;
  return {
    from,
    time,
    opcode: within(given.opcode, 'opcode', 0, 15),
    fin,
    rsv: within(given.rsv ?? 0, 'rsv', 0, 7),
    isMasked,
    headerLength: given.headerLength === undefined ? undefined : within(given.headerLength, 'headerLength', 2, 14),
    length: within(given.length ?? payload.length, 'length', payload.length, most),
    payload,
  };
}

function words(value: unknown, name: string): string {
  if (typeof value !== 'string') throw new Error(`"${name}" is a text`);
  return value;
}

function within(value: unknown, name: string, least: number, most: number): number {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) return value as number;
  throw new Error(`"${name}" is a whole number from ${least} to ${most}`);
}
