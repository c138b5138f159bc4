// `replay` runs `wsimd replay FILE ...`: it plays one side of recorded connections, and converts to and from HAR.
import { readOptions, ownVersion, plural, timeOf } from '../arguments.js';
import { CommandError } from '../command-error.js';
import { readFile, writeFile } from '../files.js';
import { listenAddress, targetOf } from '../target.js';
import { print, type Terminal } from '../terminal.js';
import { isHarName, toHar } from '../traffic/har.js';
import type { RecordedConnection } from '../traffic/recorded.js';
import { readRecording, writeRecording } from '../traffic/recording.js';
import { playToServer } from './as-client.js';
import { PlayingServer } from './as-server.js';
import { Pace, percentile } from './pace.js';
import type { Manner, Played } from './player.js';

const USAGE = `Plays what was recorded by wsimd proxy --record or wsimd connect --record, or a HAR that a browser has saved.

  wsimd replay FILE URL                as the client, to a server; URL without a path takes the recorded one
  wsimd replay FILE --listen PORT      as the server, for clients that connect
  wsimd replay FILE --save OTHER       turns a recording into a HAR (OTHER ends in .har), or a HAR into a recording

  --fast            do not wait for recorded times, only for the messages that came before each frame
  --speed N         play so many times as fast, such as 2 or 0.5
  --connection N    play only this connection of the recording (default: as a client all, each at its time; as a server
                    the first client gets the first, and so on)
  --check           the exit status is 1 if other messages come than were recorded
  --wait TIME       how long to wait for messages that are still to come, such as 2m; without a unit in ms (default: 1s)
  --insecure        take any certificate
  --cert FILE --key FILE  certificate and key in PEM, to listen for wss

Frames go out as they were recorded, also those that break the protocol, with new masking keys; pings are answered. A
server never answers before it was asked. Where the other end does not compress as recorded, messages go uncompressed. A
recording is lines of JSON: a head for each connection, then a line for each frame; docs/debugging.md says its fields.
`;

interface Settings {
  readonly connections: readonly RecordedConnection[];
  readonly speed: number;
  readonly checks: boolean;
  readonly patience: number;
}

/** The result of playing a connection, and the delays of its frames. */
interface Result {
  readonly number: number;
  readonly played: Played;
  readonly pace: Pace;
}

/**
 * Runs `wsimd replay`.
 * @returns the exit status
 * @throws CommandError for invalid arguments and files, and if a connection does not open
 */
export async function replay(args: string[], terminal: Terminal, signal: AbortSignal): Promise<number> {
  const { values, positionals } = readOptions('replay', {
    args,
    allowPositionals: true,
    options: {
      help: { type: 'boolean' },
      listen: { type: 'string' },
      save: { type: 'string' },
      fast: { type: 'boolean', default: false },
      speed: { type: 'string' },
      connection: { type: 'string' },
      check: { type: 'boolean', default: false },
      wait: { type: 'string', default: '1s' },
      insecure: { type: 'boolean', default: false },
      cert: { type: 'string' },
      key: { type: 'string' },
    },
  });
  if (values.help) {
    print(USAGE, terminal);
    return 0;
  }
  const [file, url, ...more] = positionals;
  const ways = [url, values.listen, values.save].filter((way) => way !== undefined).length;
  if (file !== undefined && /^(?:ws|http)s?:\/\//i.test(file)) {
    throw new CommandError('FILE comes before URL, such as wsimd replay FILE ws://127.0.0.1:9001.');
  }
  if (!file || more.length > 0 || ways !== 1) {
    throw new CommandError(
      'Give a FILE, and one of URL, --listen PORT and --save OTHER, such as wsimd replay FILE ws://127.0.0.1:9001.',
    );
  }
  const { cert, key } = values;
  if ((cert === undefined) !== (key === undefined)) throw new CommandError('--cert and --key go together.');
  if (cert !== undefined && values.listen === undefined) throw new CommandError('--cert and --key go with --listen.');
  if (values.insecure && url === undefined) throw new CommandError('--insecure is for wss.');
  const settings: Settings = {
    speed: speedOf(values.fast, values.speed),
    patience: timeOf(values.wait, '--wait', 'ms', 0),
    checks: values.check,
    connections: chosen(readRecording(file), values.connection),
  };
  if (values.save !== undefined) return save(settings, values.save, terminal);
  if (values.listen === undefined) {
    const { path, ...target } = targetOf('URL', url, values.insecure);
    return asClient(settings, target, path === '/' ? undefined : path, terminal, signal);
  }
  const tls = cert === undefined || key === undefined ? undefined : { cert: readFile(cert), key: readFile(key) };
  return asServer(settings, listenAddress('--listen', values.listen), tls, terminal, signal);
}

function speedOf(isFast: boolean, speed: string | undefined): number {
  if (speed === undefined) return isFast ? Infinity : 1;
  if (isFast) throw new CommandError('--fast and --speed do not go together.');
  const number = /^\d+(?:\.\d+)?$/.test(speed) ? Number(speed) : 0;
  if (number > 0) return number;
  throw new CommandError(`--speed takes a number above 0, such as 2 or 0.5, not ${JSON.stringify(speed)}.`);
}

function chosen(connections: readonly RecordedConnection[], number: string | undefined): readonly RecordedConnection[] {
  if (number === undefined) return connections;
  const found = connections.filter((connection) => String(connection.number) === number);
  if (found.length > 0) return found;
  const numbers = connections.map((connection) => connection.number).join(', ');
  throw new CommandError(
    `--connection takes one of the recording, not ${JSON.stringify(number)}. There are: ${numbers}.`,
  );
}

function save({ connections }: Settings, file: string, terminal: Terminal): number {
  writeFile(file, isHarName(file) ? toHar(connections, ownVersion()) : writeRecording(connections));
  terminal.err(`${file} holds ${plural(connections.length, 'connection')}.\n`);
  return 0;
}

async function asClient(
  { connections, speed, patience, checks }: Settings,
  target: Parameters<typeof playToServer>[1],
  path: string | undefined,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const manner: Manner = { side: 'client', waits: speed === Infinity, patience };
  const first = Math.min(...connections.map(({ started }) => started));
  const opening = new Pace(speed);
  const stop = new AbortController();
  const abort = (): void => stop.abort();
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  const playing = connections.map(async (connection): Promise<Result | undefined> => {
    const later = connection.started - first;
    if (later > 0 && !(await opening.until(later, stop.signal))) return undefined;
    const pace = new Pace(speed);
    const played = await playToServer(connection, target, path, manner, pace, stop.signal);
    return { number: connection.number, played, pace };
  });
  // Where one cannot be played, the others end at once.
  const results = await Promise.all(playing).finally(abort);
  const all = results.filter((result) => result !== undefined);
  for (const { number, played, pace } of all) terminal.err(sentence(number, played, pace));
  return checks && all.some(({ played }) => played.difference !== undefined) ? 1 : 0;
}

async function asServer(
  { connections, speed, patience, checks }: Settings,
  { host, port }: { host: string; port: number },
  tls: { cert: Buffer; key: Buffer } | undefined,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  let hasDiffered = false;
  const manner = { side: 'server', waits: true, patience: Math.max(patience, MOST_PATIENT), speed } as const;
  const server = new PlayingServer(connections, manner, signal, tls, (number, played, pace) => {
    hasDiffered ||= played.difference !== undefined;
    terminal.err(sentence(number, played, pace));
  });
  const own = await server.listen({ host, port });
  const scheme = tls === undefined ? 'ws' : 'wss';
  terminal.err(`Playing ${plural(connections.length, 'connection')} to clients of ${scheme}://${host}:${own}.\n`);
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await server.close();
  return checks && hasDiffered ? 1 : 0;
}

/** The least time in ms that a server waits for messages, because a person may operate the client. */
const MOST_PATIENT: number = 24 * 60 * 60 * 1000;

function sentence(number: number, { sent, came, expected, difference }: Played, { late }: Pace): string {
  const times =
    late.length === 0
      ? ''
      : ` Sent after the recorded times: p50 ${percentile(late, 0.5).toFixed(3)} ms, p99 ${percentile(late, 0.99).toFixed(3)} ms.`;
  const messages = difference === undefined ? 'all as recorded' : `${expected} were recorded. ${difference}`;
  return `Connection ${number}: ${plural(sent, 'frame')} sent, ${plural(came, 'message')} came, ${messages.replace(/\.$/, '')}.${times}\n`;
}
