// Limits and defaults in prose against the code: each number that README.md, SECURITY.md, docs/ and docstrings name.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { isValidCloseCode } from '../src/codec/close-payload.js';
import * as zlibLimits from '../src/node/deflate/limits.js';
import { SESSION_WINDOW, STREAM_WINDOW } from '../src/node/http2/windows.js';
import { checkOptions } from '../src/node/options.js';
import { DEFAULTS } from '../src/node/server-options.js';
import { TOGETHER } from '../src/node/share.js';
import { CloseCode } from '../src/spec/close-code.js';
import * as limits from '../src/spec/limits.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const files = execFileSync('git', ['ls-files'], { cwd: ROOT }).toString().trim().split('\n');
const PROSE = files.filter((file) => /^(docs\/[\w-]+|README|SECURITY)\.md$/.test(file));
const SOURCES = files.filter((file) => /^src\/(?!conformance\/|cli\/|spec\/).*\.[cm]?ts$/.test(file));

type Limit = keyof typeof limits;
/** The name of a number in limits.ts, or another value, that an option has when it is left out. */
type Default = Limit | { readonly is: string };

const shared = checkOptions({});
const is = (value: unknown): Default => ({ is: String(value) });

/** The defaults of options by name; where options share a name, by the heading or interface that they stand below. */
const OPTIONS: Readonly<Record<string, Default>> = {
  // of a connection
  autoPong: is(shared.autoPong),
  allowSynchronousEvents: is(shared.allowSynchronousEvents),
  closeTimeout: 'DEFAULT_CLOSE_TIMEOUT',
  maxPayload: 'DEFAULT_MAX_PAYLOAD',
  'ReceiverOptions.maxPayload': is(0),
  'Frames.maxPayload': is(0),
  rsv: is(0),
  maxFragments: 'DEFAULT_MAX_FRAGMENTS',
  maxBufferedChunks: 'DEFAULT_MAX_BUFFERED_CHUNKS',
  maxFramePayload: 'DEFAULT_MAX_FRAME_PAYLOAD',
  maxBackpressure: 'DEFAULT_MAX_BACKPRESSURE',
  skipUTF8Validation: is(shared.skipUTF8Validation),
  text: is(shared.text),
  statistics: is(shared.statistics),
  readPath: is(shared.readPath),
  writePath: is(shared.writePath),
  heartbeat: is(shared.heartbeat),
  // of a server
  clientTracking: is(DEFAULTS.clientTracking),
  strictHandshake: is(Boolean(DEFAULTS.strictHandshake)),
  handshakeTimeout: 'DEFAULT_HANDSHAKE_TIMEOUT',
  maxConnections: 'DEFAULT_MAX_CONNECTIONS',
  acceptPath: is('direct'),
  'DrainOptions.code': is(CloseCode.ServiceRestart),
  'DrainOptions.window': 'DEFAULT_DRAIN_WINDOW',
  'DrainOptions.timeout': 'DEFAULT_DRAIN_TIMEOUT',
  // of a client
  'Options of a client.handshakeTimeout': 'DEFAULT_REQUEST_TIMEOUT',
  'ClientOptions.handshakeTimeout': 'DEFAULT_REQUEST_TIMEOUT',
  'SharedOptions.perMessageDeflate': is(true),
  'Options of a client.perMessageDeflate': is(true),
  'ClientOptions.perMessageDeflate': is(true),
  perMessageDeflate: is(DEFAULTS.perMessageDeflate),
  maxRedirects: 'DEFAULT_MAX_REDIRECTS',
  protocolVersion: is(13),
  version: is(13),
  followRedirects: is(false),
  http2: is(false),
  rejectUnauthorized: is(true),
  binaryType: is('nodebuffer'),
  // of compression
  threshold: 'DEFAULT_THRESHOLD',
  'Connections.threshold': 'DEFAULT_CODEC_THRESHOLD',
  'ConnectionOptions.threshold': 'DEFAULT_CODEC_THRESHOLD',
  concurrencyLimit: 'DEFAULT_CONCURRENCY_LIMIT',
  level: 'DEFAULT_LEVEL',
  // of topics
  limit: 'DEFAULT_SLOW_LIMIT',
  publishTimeout: 'DEFAULT_PUBLISH_TIMEOUT',
  maxWaiting: 'DEFAULT_MAX_WAITING',
  checkInterval: 'DEFAULT_CHECK_INTERVAL',
  // rows of tables that name no option
  'opening handshake, own server': 'DEFAULT_HANDSHAKE_TIMEOUT',
  'opening handshake, client': 'DEFAULT_REQUEST_TIMEOUT',
  'closing handshake': 'DEFAULT_CLOSE_TIMEOUT',
  'automatic pongs waiting to be written': 'MAX_PONGS',
  'inflations of more than 1 MiB at a time, in a thread': 'MAX_LARGE_INFLATIONS',
};

/** Sentences that name limits in another way: `{}` stands for a number. */
const SENTENCES: readonly (readonly [file: string, sentence: string, ...names: readonly Default[]])[] = [
  [
    'README.md',
    'has at most {} after decompression (`maxPayload`), the closing handshake {} (`closeTimeout`), the opening one {} ' +
      'on our own HTTP server, and a request {} of header',
    'DEFAULT_MAX_PAYLOAD',
    'DEFAULT_CLOSE_TIMEOUT',
    'DEFAULT_HANDSHAKE_TIMEOUT',
    'MAX_HEAD_LENGTH',
  ],
  ['README.md', 'the opening handshake has {}, and', 'DEFAULT_HANDSHAKE_TIMEOUT'],
  ['README.md', '`maxBackpressure` exists; it is {} by default', 'DEFAULT_MAX_BACKPRESSURE'],
  ['README.md', '`maxFragments` and `maxBufferedChunks` are {} by default', 'DEFAULT_MAX_FRAGMENTS'],
  ['SECURITY.md', 'extensions offered, subprotocols offered | {}, {}', 'MAX_OFFERS', 'MAX_SUBPROTOCOLS'],
  ['SECURITY.md', 'inflations of more than {} at a time', 'LARGE_OUTPUT'],
  ['docs/api.md', 'over `window` ({} ms)', 'DEFAULT_DRAIN_WINDOW'],
  ['docs/api.md', '`timeout` ({} ms) after the last close', 'DEFAULT_DRAIN_TIMEOUT'],
  ['docs/api.md', 'Each is {} if left out', 'DEFAULT_HEARTBEAT_INTERVAL'],
  ['docs/api.md', 'Each is {} if left out', 'DEFAULT_HEARTBEAT_TIMEOUT'],
  ['docs/api.md', 'paused while {} messages wait', 'MAX_UNREAD_MESSAGES'],
  ['docs/api.md', 'messages that inflate to more than {} grow at the same time', 'LARGE_OUTPUT'],
  ['docs/codec.md', 'Heads are at most {} and have at most {} fields', 'MAX_HEAD_LENGTH', 'MAX_FIELDS'],
  ['docs/codec.md', 'more than `maxOffers`, {} unless given', 'MAX_OFFERS'],
  ['docs/codec.md', 'past {} automatic pongs', 'MAX_PONGS'],
  ['docs/deploying.md', 'evenly over `window` ({})', 'DEFAULT_DRAIN_WINDOW'],
  ['docs/deploying.md', 'the `timeout` of `drain` ({}, after the last close)', 'DEFAULT_DRAIN_TIMEOUT'],
  ['docs/differences.md', 'When {} pongs wait to be written', 'MAX_PONGS'],
  ['docs/differences.md', '`maxBackpressure` exists; it is {} by default', 'DEFAULT_MAX_BACKPRESSURE'],
  ['docs/differences.md', '`maxFragments` and `maxBufferedChunks` are {} by default', 'DEFAULT_MAX_FRAGMENTS'],
  ['docs/differences.md', 'The default is {}, no limit', 'DEFAULT_MAX_BACKPRESSURE'],
  ['docs/differences.md', 'the opening handshake has {}, and', 'DEFAULT_HANDSHAKE_TIMEOUT'],
  ['docs/api.md', 'window of {} for each stream and {} for the session', is(STREAM_WINDOW), is(SESSION_WINDOW)],
  ['docs/api.md', 'messages longer than {} are worked on side by side', is(zlibLimits.AT_ONCE)],
  ['docs/api.md', 'up to {} of input and output at once', is(zlibLimits.AT_ONCE)],
  ['docs/api.md', 'than {} ms of it in this turn', is(zlibLimits.TURN_MILLISECONDS)],
  ['docs/api.md', '({} to compress, {} to decompress)', is(zlibLimits.LIGHT_DEFLATION), is(zlibLimits.LIGHT_INFLATION)],
  ['docs/differences.md', 'Messages of up to {} are compressed', is(zlibLimits.AT_ONCE)],
  ['docs/differences.md', 'worked for less than {} ms in this turn', is(zlibLimits.TURN_MILLISECONDS)],
  ['docs/speed.md', 'zlib takes {} ms of the thread', is(zlibLimits.TURN_MILLISECONDS)],
  ['SECURITY.md', 'zlib takes {} ms at most', is(zlibLimits.TURN_MILLISECONDS)],
  ['SECURITY.md', 'peers that flood are read for {} ms of a turn', is(TOGETHER)],
  ['SECURITY.md', 'whose reads are all full take {} ms of a turn', is(TOGETHER)],
  ['docs/speed.md', 'they share {} ms of a turn', is(TOGETHER)],
  ['docs/topics.md', 'with the default of {} messages', 'DEFAULT_HISTORY_MESSAGES'],
  ['docs/topics.md', 'A topic is 1 to {} bytes of UTF-8', 'MAX_TOPIC_LENGTH'],
  ['src/topics/topics.ts', 'that is not 1 to {} bytes of UTF-8', 'MAX_TOPIC_LENGTH'],
  ['docs/codec.md', '`lent` lets a server refer to a payload from {} on', 'FULL_BATCH'],
  ['src/codec/frame-encoder.ts', 'until it has been written; from {} on', 'FULL_BATCH'],
  ['src/codec/frame-encoder.ts', 'on a server, from {} on', 'FULL_BATCH'],
  ['SECURITY.md', 'a buffer of {} or more', 'FULL_BATCH'],
  ['SECURITY.md', 'in pieces of up to {}', 'MOST_TO_MANY'],
  ['docs/topics.md', '`messages` ({}), `age` ({} ms)', 'DEFAULT_HISTORY_MESSAGES', 'DEFAULT_HISTORY_AGE'],
  ['docs/topics.md', '`{ limit: {}, policy:', 'DEFAULT_SLOW_LIMIT'],
  ['src/connection/connection.ts', 'beyond {} of them only the latest ping', 'MAX_PONGS'],
  ['src/handshake/client.ts', '{}, the default, or 8', is(13)],
  ['src/extensions/permessage-deflate.ts', 'keeps no window; {} by default', 'DEFAULT_THRESHOLD'],
];

/** Lines with defaults of other software. */
const OTHERS: readonly string[] = [
  'proxy_read_timeout',
  '`headersTimeout`, `requestTimeout`',
  "the proxy's own limit",
  '(`backlog`)',
  'Default: that of Node, 511',
];

const VALUE = '`[^`]+`|\\d(?:[\\d,]*\\d)?(?: ?(?:[KMG]iB|m?s\\b))?|none\\b|no limit|off\\b|true\\b|false\\b|Off\\b';
const UNITS: Readonly<Record<string, number>> = { KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, s: 1000 };

/** A number in digits for what prose says: `100 MiB`, `10,000`, `none`; other text without its quotes. */
function read(said: string): string {
  if (/^(?:none|no limit|off)$/i.test(said)) return '0';
  const match = /^([\d,]+) ?(\w*)$/.exec(said);
  if (match === null) return said.replaceAll(/[`']/g, '');
  return String(Number(match[1].replaceAll(',', '')) * (UNITS[match[2]] ?? 1));
}

/** A place in a file that says a default or a limit. */
interface Mention {
  readonly file: string;
  readonly from: number;
  readonly to: number;
  readonly said: string;
  readonly means: Default | undefined;
}

const textOf = (file: string): string => readFileSync(`${ROOT}/${file}`, 'utf8');
const lineOf = (file: string, at: number): number => textOf(file).slice(0, at).split('\n').length;

/** The default of the option `name` that stands at `at`, below the last heading or interface that knows it otherwise. */
function defaultOf(text: string, at: number, name: string): Default | undefined {
  const above = [...text.slice(0, at).matchAll(/^#+ (.*)$|^ *export interface (\w+)/gm)].at(-1);
  return OPTIONS[`${above?.[1] ?? above?.[2]}.${name}`] ?? OPTIONS[name];
}

/** What `about`, the text about an option, says: `Default X`, `X, the default`, `X (the default)`, `X by default`. */
function defaultsIn(file: string, about: string, at: number, optionAt: (index: number) => Default | undefined) {
  const after = `[Dd]efault:?\\s+(?:\`WSIMD_\\w+\`,\\s+else\\s+)?(${VALUE})`;
  const before = `(${VALUE})(?:,? \\(?the default|, [\\w ,]*by default| by default)`;
  return Array.from(about.matchAll(new RegExp(`${after}|${before}`, 'g')), (match): Mention => {
    const from = at + match.index;
    return { file, from, to: from + match[0].length, said: match[1] ?? match[2], means: optionAt(match.index) };
  });
}

/** Items of lists (`- \`name\`: ... Default X.`), and rows of tables with a column "default". */
function* inProse(file: string): Generator<Mention> {
  const text = textOf(file);
  for (const { 0: item, 1: name, index } of text.matchAll(/^ *- `(\w+)`(?:.*\n)(?:(?! *- |#|\n).*\n)*/gm)) {
    yield* defaultsIn(file, item, index, (at) => {
      // An item about a type names one option after the other.
      const options = item.includes('` (type)') ? [...item.slice(0, at).matchAll(/`(\w+)`,/g)] : [];
      return defaultOf(text, index, options.at(-1)?.[1] ?? name);
    });
  }
  for (const { 0: table, index } of text.matchAll(/^\|.*\| default .*\n(?:\|.*\n)+/gm)) {
    const column = table.split('|').findIndex((cell) => cell.trim() === 'default');
    let at = index;
    for (const row of table.split('\n')) {
      const cells = row.split('|');
      const said = cells[column]?.trim() ?? '';
      const name = /`(\w+)`/.exec(cells[1] ?? '')?.[1] ?? cells[1]?.trim();
      const means = name === undefined ? undefined : defaultOf(text, at, name);
      if (new RegExp(`^(?:${VALUE})$`).test(said)) yield { file, from: at, to: at + row.length, said, means };
      at += row.length + 1;
    }
  }
}

/** Docstrings of options. */
function* inDocstrings(file: string): Generator<Mention> {
  const text = textOf(file);
  const documented = /\/\*\*((?:(?!\*\/)[^])*)\*\/\s*(?:readonly )?(\w+)\??:/g;
  for (const { 1: comment, 2: name, index } of text.matchAll(documented)) {
    const about = comment.replaceAll(/\n *\*/g, (mark) => ' '.repeat(mark.length));
    yield* defaultsIn(file, about, index + '/**'.length, () => defaultOf(text, index, name));
  }
}

/** The sentences; those that stand nowhere have `said` empty. */
function* inSentences(): Generator<Mention> {
  for (const [file, sentence, ...names] of SENTENCES) {
    const parts = sentence.split('{}').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    const pattern = parts.join(`(${VALUE})`).replaceAll(' ', '(?:\\s|\\*)+');
    const match = new RegExp(pattern.replaceAll('(?:\\s|\\*)+?', ' ?')).exec(textOf(file));
    const from = match?.index ?? 0;
    for (const [i, means] of names.entries()) {
      yield { file, from, to: from + (match?.[0].length ?? 0), said: match?.[i + 1] ?? `no more "${sentence}"`, means };
    }
  }
}

const mentions: readonly Mention[] = [
  ...PROSE.flatMap((file) => [...inProse(file)]),
  ...SOURCES.flatMap((file) => [...inDocstrings(file)]),
  ...inSentences(),
];

describe('a default or limit in prose', () => {
  test('is that of the code', () => {
    const wrong = mentions.flatMap(({ file, from, said, means }) => {
      if (means === undefined) return [];
      const value = typeof means === 'string' ? String(limits[means]) : means.is;
      const isNone = /^(?:0|false|undefined)$/.test(value) && /^(?:0|false)$/.test(read(said));
      const source = typeof means === 'string' ? `${means} of src/spec/limits.ts` : 'the code';
      return isNone || read(said) === value ? [] : [`${file}:${lineOf(file, from)} says ${said}, ${source} ${value}`];
    });
    expect(wrong).toEqual([]);
  });

  test('is known here, so that it cannot stay behind', () => {
    const says = /[Dd]efault(?: is| of)?[:,]? \d|\d[\d,]*(?: \w+)?,? \(?(?:the|by) default|\d unless (?:given|said)/;
    const missed = [...PROSE, ...SOURCES].flatMap((file) => {
      const here = mentions.filter((mention) => mention.file === file);
      const isIn = (from: number, to: number, isKnown: boolean): boolean =>
        here.some((at) => at.from < to && at.to > from && (isKnown ? at.means !== undefined : /\d/.test(at.said)));
      let to = 0;
      return textOf(file)
        .split('\n')
        .filter((line) => {
          const from = to;
          to += line.length + 1;
          const isProse = file.endsWith('.md') || /^\s*(?:\/?\*|\/\/)/.test(line);
          const isNumber = (isProse && says.test(line)) || isIn(from, to, false);
          return isNumber && !isIn(from, to, true) && !OTHERS.some((other) => line.includes(other));
        })
        .map((line) => `${file}: ${line.trim()}`);
    });
    expect(
      missed,
      'a row of SENTENCES ties such a line to its limit, one of OTHERS says that it is none of ours',
    ).toEqual([]);
  });

  test('stands for each option of limits.ts', () => {
    const named = new Set(mentions.map(({ means }) => means));
    expect(Object.keys(limits).filter((name) => !named.has(name as Limit))).toEqual([]);
  });
});

test.each(['docs/api.md', 'src/index.d.cts', 'src/node/websocket.ts'])(
  '%s lists the close codes that may be sent',
  (file) => {
    const codes = Array.from({ length: 5001 }, (_, code) => code).filter((code) => isValidCloseCode(code));
    const firsts = codes.filter((code) => !isValidCloseCode(code - 1));
    const lasts = codes.filter((code) => !isValidCloseCode(code + 1));
    const ranges = firsts.map((first, i) => (first === lasts[i] ? `${first}` : `${first}-${lasts[i]}`));
    const listed = /\d{4}-\d{4}(?:, \d{4}(?:-\d{4})?)* or \d{4}-\d{4}/.exec(textOf(file));
    expect(`${file}:${lineOf(file, listed?.index ?? 0)}: ${listed?.[0]}`).toContain(
      `: ${ranges.slice(0, -1).join(', ')} or ${ranges.at(-1)}`,
    );
  },
);

test('--help of each command says the defaults that the command has', () => {
  const said = [
    ['src/cli/load/usage.ts', 'src/cli/load/settings.ts'],
    ...['serve', 'tool/connect', 'replay/replay', 'conformance-table'].map((name) =>
      Array(2).fill(`src/cli/${name}.ts`),
    ),
  ].flatMap(([usage, options]: string[]) =>
    [...textOf(usage).matchAll(/^ {2}--([\w-]+) .*\(default: ([^;,)]+)/gm)].flatMap(({ 1: name, 2: value, index }) => {
      const set = new RegExp(`'?${name}'?: \\{ type: 'string', default: (.+) \\}`).exec(textOf(options));
      const plain = (text: string): string => text.replaceAll(/String\(|\$\{|['})]/g, '');
      return set === null ? [] : [{ at: `${usage}:${lineOf(usage, index)}`, says: plain(value), has: plain(set[1]) }];
    }),
  );
  expect(said.length).toBeGreaterThan(7);
  expect(said.filter(({ says, has }) => says !== has)).toEqual([]);
});
