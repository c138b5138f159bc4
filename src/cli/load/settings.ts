// `readSettings` reads the arguments of `wsimd bench`, and names an invalid one in one sentence.
import { availableParallelism } from 'node:os';
import { headersOf, protocolsOf, readOptions, timeOf, wholeNumber } from '../arguments.js';
import { CommandError } from '../command-error.js';
import { readFile } from '../files.js';
import { targetOf as serverAt } from '../target.js';
import { KNOWN_SERVERS } from './known-servers.js';
import { LIMITS, type Limits } from './limits.js';
import type { Pace, Target } from './plan.js';

export interface Settings {
  /** Undefined if known servers are compared. */
  readonly target: Target | undefined;
  /** The known servers to compare, by name. */
  readonly against: readonly string[];
  readonly rounds: number;
  readonly connections: number;
  readonly pace: Pace;
  readonly payloads: readonly Uint8Array[];
  /** The description of the messages in reports: `16 B text`. */
  readonly messages: string;
  readonly isBinary: boolean;
  readonly offersDeflate: boolean;
  /** The connections to open per second, over all workers; 0 for no rate. */
  readonly connectRate: number;
  /** ms. */
  readonly duration: number;
  readonly warmup: number;
  readonly timeout: number;
  readonly workers: number;
  /** The files of results; `-` is the standard output. */
  readonly json: string | undefined;
  readonly html: string | undefined;
  readonly compare: string | undefined;
  readonly limits: Limits;
}

const OPTIONS = {
  help: { type: 'boolean' },
  connections: { type: 'string', default: '50' },
  depth: { type: 'string' },
  rate: { type: 'string' },
  size: { type: 'string' },
  payload: { type: 'string' },
  lines: { type: 'boolean', default: false },
  binary: { type: 'boolean', default: false },
  deflate: { type: 'boolean', default: false },
  duration: { type: 'string' },
  warmup: { type: 'string', default: '1s' },
  timeout: { type: 'string', default: '10s' },
  'connect-rate': { type: 'string' },
  workers: { type: 'string' },
  header: { type: 'string', multiple: true, default: [] as string[] },
  protocol: { type: 'string', multiple: true, default: [] as string[] },
  origin: { type: 'string' },
  insecure: { type: 'boolean', default: false },
  unix: { type: 'string' },
  against: { type: 'string' },
  rounds: { type: 'string' },
  json: { type: 'string' },
  html: { type: 'string' },
  compare: { type: 'string' },
  'max-p50': { type: 'string' },
  'max-p90': { type: 'string' },
  'max-p99': { type: 'string' },
  'max-p99.9': { type: 'string' },
  'max-p99.99': { type: 'string' },
  'max-latency': { type: 'string' },
  'min-rate': { type: 'string' },
  'max-errors': { type: 'string' },
  'max-worse': { type: 'string' },
} as const;

/** Options that say nothing about servers that the command starts itself. */
const FOR_URL = [...LIMITS, 'compare', 'header', 'protocol', 'origin', 'insecure', 'unix'] as const;

const MOST = 1_000_000;
const MOST_DEPTH = 100_000;
const MOST_RATE = 1e8;
const MOST_SIZE = 100 * 1024 * 1024;
const DEFAULT_SIZE = 125;
const DURATION = 10_000;
/** The duration of a turn, which is shorter because servers that are compared have several. */
const DURATION_OF_TURN = 3000;
const ROUNDS = 3;

/**
 * Reads the settings; returns undefined if help is requested.
 * @throws CommandError for invalid arguments
 */
export function readSettings(args: readonly string[]): Settings | undefined {
  const { values, positionals } = readOptions('bench', {
    args: withJsonFile(args),
    allowPositionals: true,
    options: OPTIONS,
  });
  if (values.help) return undefined;
  const against = values.against === undefined ? [] : knownServers(values.against);
  if (against.length > 0 && positionals.length > 0)
    throw new CommandError('--against starts its own servers, and takes no URL.');
  const vain = FOR_URL.find((option) => String(values[option] || '') !== '');
  if (against.length > 0 && vain !== undefined)
    throw new CommandError(`--${vain} goes with a URL: --against compares servers with each other alone.`);
  const file = args[args.indexOf('--json') + 1];
  if (values.json === '-' && positionals.length === 2 && positionals.includes(file) && !file.includes('://'))
    throw new CommandError(`The name of the file for --json ends in .json, unlike ${JSON.stringify(file)}.`);
  if (against.length === 0 && positionals.length !== 1)
    throw new CommandError('wsimd bench takes one URL, such as ws://127.0.0.1:9001.');
  if (values.rounds !== undefined && against.length === 0)
    throw new CommandError('--rounds is for --against, whose servers take turns.');
  if (values.depth !== undefined && values.rate !== undefined)
    throw new CommandError('--depth and --rate exclude each other: a loop is closed or open.');
  const connections = wholeNumber(values.connections, '--connections', 1, MOST);
  const { payloads, name } = payloadsOf(values);
  const target = against.length > 0 ? undefined : targetOf(positionals[0], values);
  const most = Math.min(connections, 1024);
  const given = (option: keyof Limits): number | undefined =>
    values[option] === undefined ? undefined : positive(values[option], `--${option}`);
  const limits = Object.fromEntries(LIMITS.map((option) => [option, given(option)])) as Limits;
  if (limits['max-worse'] !== undefined && values.compare === undefined)
    throw new CommandError('--max-worse goes with --compare, which says what to compare with.');
  return {
    target,
    against,
    rounds: values.rounds === undefined ? ROUNDS : wholeNumber(values.rounds, '--rounds', 1, 1000),
    connections,
    pace:
      values.rate === undefined
        ? { depth: wholeNumber(values.depth ?? '1', '--depth', 1, MOST_DEPTH), rate: undefined }
        : { rate: wholeNumber(values.rate, '--rate', 1, MOST_RATE), depth: undefined },
    payloads,
    messages: `${name} ${values.binary ? 'binary' : 'text'}${values.deflate ? ', compressed' : ''}`,
    isBinary: values.binary,
    offersDeflate: values.deflate,
    connectRate:
      values['connect-rate'] === undefined ? 0 : wholeNumber(values['connect-rate'], '--connect-rate', 1, MOST),
    duration:
      values.duration === undefined
        ? against.length > 0
          ? DURATION_OF_TURN
          : DURATION
        : timeOf(values.duration, '--duration', 's', 1),
    warmup: timeOf(values.warmup, '--warmup', 's', 0),
    timeout: timeOf(values.timeout, '--timeout', 's', 1),
    workers:
      values.workers === undefined
        ? Math.min(most, target === undefined || isHere(target) ? Math.max(1, cores() - 1) : cores())
        : wholeNumber(values.workers, '--workers', 1, most),
    json: values.json,
    html: values.html,
    compare: values.compare,
    limits,
  };
}

/** Gives `--json` without a file the value `-`, the standard output, because the parser needs a value. */
function withJsonFile(args: readonly string[]): string[] {
  return args.map((word, at) => (word === '--json' && !/^$|\.json$/i.test(args[at + 1] ?? '-') ? '--json=-' : word));
}

const cores = (): number => availableParallelism();

/** Whether the server shares this machine's cores. */
function isHere({ host, unix }: Target): boolean {
  return unix !== undefined || host === 'localhost' || host === '::1' || host.startsWith('127.');
}

function knownServers(list: string): string[] {
  const names = [...new Set(list.split(',').map((name) => name.trim()))];
  for (const name of names) {
    if (!Object.hasOwn(KNOWN_SERVERS, name))
      throw new CommandError(`--against knows ${Object.keys(KNOWN_SERVERS).join(', ')}, not ${JSON.stringify(name)}.`);
  }
  // The others are compared with wsimd.
  return names.includes('wsimd') ? names : ['wsimd', ...names];
}

function positive(text: string, option: string): number {
  const number = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isFinite(number)) return number;
  throw new CommandError(`${option} takes a number from 0, not ${JSON.stringify(text)}.`);
}

interface PayloadValues {
  size?: string | undefined;
  payload?: string | undefined;
  lines: boolean;
  binary: boolean;
}

function payloadsOf({ size, payload, lines, binary }: PayloadValues): { payloads: Uint8Array[]; name: string } {
  if (payload === undefined) {
    if (lines) throw new CommandError('--lines goes with --payload, whose lines it sends.');
    const length = size === undefined ? DEFAULT_SIZE : wholeNumber(size, '--size', 0, MOST_SIZE);
    return { payloads: [letters(length)], name: `${length} B` };
  }
  if (size !== undefined) throw new CommandError('--size and --payload exclude each other.');
  const bytes = readFile(payload);
  if (bytes.length > MOST_SIZE) throw new CommandError(`${payload} has more than ${MOST_SIZE} bytes.`);
  if (!binary && !isText(bytes)) throw new CommandError(`${payload} is not UTF-8; --binary sends it as it is.`);
  if (!lines) return { payloads: [bytes], name: `${bytes.length} B` };
  const all = bytes.toString('latin1').split(/\r?\n/);
  if (all.at(-1) === '') all.pop();
  if (all.length === 0) throw new CommandError(`${payload} has no lines.`);
  return { payloads: all.map((line) => Buffer.from(line, 'latin1')), name: `${all.length} different lines as` };
}

function isText(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** Returns letters that a compressor can shorten to some degree. */
function letters(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = 1;
  for (let at = 0; at < length; at++) {
    state = (state * 48_271) % 0x7fffffff;
    bytes[at] = state % 6 === 0 ? 0x20 : 0x61 + (state % 16);
  }
  return bytes;
}

interface TargetValues {
  header: readonly string[];
  protocol: readonly string[];
  origin?: string | undefined;
  insecure: boolean;
  unix?: string | undefined;
  deflate: boolean;
}

/**
 * Returns the server that a URL and the options of the opening request describe.
 * @throws CommandError for an invalid URL or header
 */
export function targetOf(given: string, values: TargetValues): Target {
  const { given: url, path, authority, authorization, connection, tls } = serverAt('URL', given, values.insecure);
  const headers = headersOf(values.header, authorization);
  // A field Host that is given stands in place of the usual one.
  const host = Object.keys(headers).find((header) => /^host$/i.test(header)) ?? '';
  const [hostValue = authority] = headers[host] ?? [];
  delete headers[host];
  return {
    url,
    isTls: tls !== undefined,
    ...connection,
    unix: values.unix,
    request: path,
    authority: hostValue,
    headers,
    protocols: protocolsOf(values.protocol),
    origin: values.origin,
    isInsecure: values.insecure,
    offersDeflate: values.deflate,
  };
}
