// `proxySettings` reads the command line of `wsimd proxy`, and `PROXY_USAGE` explains it.
import { MOST_MS, msIn, readOptions, timeOf, wholeNumber } from '../arguments.js';
import { CommandError } from '../command-error.js';
import { readFile } from '../files.js';
import { listenAddress, targetOf, type Target } from '../target.js';
import { Filter } from '../traffic/filter.js';
import type { FaultPlan } from './faults.js';

export const PROXY_USAGE = `Passes the bytes of WebSocket connections on unchanged, and shows the frames in them.

  wsimd proxy LISTEN TARGET

LISTEN is a port, such as 9000, or HOST:PORT. TARGET is the server, such as ws://127.0.0.1:9001, wss://example.com, or a
port of this machine.
Connect your client to LISTEN in place of the server; requests keep their paths.

  --page PORT       serve a page with the messages and the wire log at http://127.0.0.1:PORT/ (0: any free port)
  --filter WHAT     print only some frames: from=client|server, text=WORDS or text=/PATTERN/i,
                    kind=text|binary|ping|pong|close|continuation|data|control|violation; may be given again: of
                    one name any, of all names one
  --quiet           print no frames
  --record FILE     write all frames to FILE, for wsimd replay; a HAR for browsers if its name ends in .har

  --rewrite-host    write the target's name into Host and Origin of requests: most public servers need that
  --insecure        take any certificate of a wss target
  --cert FILE --key FILE  certificate and key in PEM, to listen for wss

To try how a client or a server takes faults:
  --delay TIME      pass frames on so much later, such as 2s; without a unit in ms
  --drop N|N%       drop the first N frames of each connection, or each frame with that chance
  --cut N           end each connection after N: 1000bytes, 5frames, 300ms or 2s from its opening
  --on WHAT         do this only to some frames: from=... and kind=... as for --filter; may be given again

In a terminal, p lets nothing pass until p comes again, and q ends. Ctrl-C ends with a summary. Each line shows the time,
the connection, the direction (→ to the server), the kind, the size (12 B from 7: inflated) and the content; !! marks a
broken rule, with its section. Opening requests of HTTP/2 pass, unread.
`;

export interface ProxySettings {
  readonly host: string;
  readonly port: number;
  readonly target: Target;
  /** The certificate and key to listen with; undefined to listen without TLS. */
  readonly tls: { cert: Buffer; key: Buffer } | undefined;
  /** The port of the page; undefined for none. */
  readonly page: number | undefined;
  readonly filter: Filter;
  readonly isQuiet: boolean;
  readonly record: string | undefined;
  readonly rewritesHost: boolean;
  readonly plan: FaultPlan | undefined;
}

/**
 * Reads the settings from a command line.
 * @returns undefined if it asks for help
 * @throws CommandError for invalid arguments
 */
export function proxySettings(args: string[]): ProxySettings | undefined {
  const { values, positionals } = readOptions('proxy', {
    args,
    allowPositionals: true,
    options: {
      help: { type: 'boolean' },
      page: { type: 'string' },
      filter: { type: 'string', multiple: true, default: [] },
      quiet: { type: 'boolean', default: false },
      record: { type: 'string' },
      'rewrite-host': { type: 'boolean', default: false },
      insecure: { type: 'boolean', default: false },
      cert: { type: 'string' },
      key: { type: 'string' },
      delay: { type: 'string' },
      drop: { type: 'string' },
      cut: { type: 'string' },
      on: { type: 'string', multiple: true, default: [] },
    },
  });
  if (values.help) return undefined;
  if (positionals.length !== 2) {
    throw new CommandError('Where to listen and where to connect? For instance: wsimd proxy 9000 ws://127.0.0.1:9001.');
  }
  const { cert, key } = values;
  if ((cert === undefined) !== (key === undefined)) throw new CommandError('--cert and --key go together.');
  const [listen, target] = positionals;
  const own = listenAddress('LISTEN', listen);
  const server = withoutPath(targetOf('TARGET', target, values.insecure));
  if (own.port === server.connection.port && isSame(own.host, server.connection.host)) {
    throw new CommandError(`TARGET is the proxy itself: give LISTEN another port than ${own.port}.`);
  }
  return {
    ...own,
    target: server,
    tls: cert === undefined || key === undefined ? undefined : { cert: readFile(cert), key: readFile(key) },
    page: values.page === undefined ? undefined : wholeNumber(values.page, '--page', 0, 65535),
    filter: new Filter('--filter', values.filter, true),
    isQuiet: values.quiet,
    record: values.record,
    rewritesHost: values['rewrite-host'],
    plan: planOf(values),
  };
}

/** Whether a connection to `target` reaches what listens on `own`, as far as their names tell. */
function isSame(own: string, target: string): boolean {
  const [listening, reached] = [own, target].map((host) => (host === 'localhost' ? '127.0.0.1' : host));
  return listening === reached || (listening === '0.0.0.0' && reached === '127.0.0.1');
}

/** @throws CommandError for a target with a path, or a user */
function withoutPath(target: ReturnType<typeof targetOf>): Target {
  if (target.path === '/' && target.authorization === undefined) return target;
  throw new CommandError(`TARGET takes no path and no user: ${target.url} is enough, and requests keep their own.`);
}

interface PlanValues {
  readonly delay?: string | undefined;
  readonly drop?: string | undefined;
  readonly cut?: string | undefined;
  readonly on: string[];
}

function planOf({ delay, drop, cut, on }: PlanValues): FaultPlan | undefined {
  if (delay === undefined && drop === undefined && cut === undefined) {
    if (on.length > 0) throw new CommandError('--on says which frames --delay, --drop and --cut are for: give one.');
    return undefined;
  }
  return {
    delay: delay === undefined ? 0 : timeOf(delay, '--delay', 'ms', 0),
    drop: drop === undefined ? undefined : dropOf(drop),
    cut: cut === undefined ? undefined : cutOf(cut),
    on: new Filter('--on', on, false),
  };
}

function dropOf(text: string): FaultPlan['drop'] {
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(text)?.[1];
  if (percent !== undefined && Number(percent) <= 100) return { chance: Number(percent) / 100 };
  if (/^\d+$/.test(text)) return { count: Number(text) };
  throw new CommandError(
    `--drop takes a number of frames or a percentage, such as 3 or 5%, not ${JSON.stringify(text)}.`,
  );
}

function cutOf(text: string): FaultPlan['cut'] {
  const [, number, unit] = /^([1-9]\d*)(bytes|frames)$/.exec(text) ?? [];
  if (number !== undefined) return { after: Number(number), unit: unit as 'bytes' | 'frames' };
  const ms = msIn(text);
  if (ms > 0) return { after: Math.min(ms, MOST_MS), unit: 'ms' };
  throw new CommandError(
    `--cut takes a number with a unit: 1000bytes, 5frames, 300ms or 2s, not ${JSON.stringify(text)}.`,
  );
}
