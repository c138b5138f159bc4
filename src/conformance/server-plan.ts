// `phases` and `serverOf` plan a run with a server: its address, its requests, and the cases that run side by side.

import type { ConnectionOptions } from 'node:tls';
import type { Case } from './case.js';
import type { Target } from './handshake.js';
import { CannotRunError, type Selection } from './select.js';
import { messagesOf } from './shares.js';

/** The settings of a run that examines a server. */
export interface ServerRun extends Selection {
  /** A `ws://` or `wss://` URL. */
  url: string;
  /** The name of the testee in results; default the `Server` header of its responses, else `UnknownServer`. */
  agent?: string;
  /** Subprotocols that all requests offer, except those of cases about subprotocols. */
  protocols?: readonly string[];
  /** The `Origin` of all requests, except those of cases about it. */
  origin?: string;
  /** Other header lines of all requests. */
  headers?: readonly (readonly [name: string, value: string])[];
  /** Cases to leave out, by a pattern of agents' names. */
  excludeFor?: Readonly<Record<string, readonly string[]>>;
  /**
   * The connections at a time, 1 to 64; default 8, or as many as the server serves side by side. Timed messages use a quarter
   * of them, compressed ones half. Verdicts do not depend on it, as cases that do not pass beside others, or in which
   * the server drops or refuses the connection, run again alone, unless the run ends before.
   */
  jobs?: number;
  /** Worker threads, 0 to 64, that play the cases of compressed messages; default 0, with which this thread plays them. */
  workers?: number;
  /** A factor on all time limits; default 1. */
  timeoutScale?: number;
  /** For `wss://`: whether to accept any certificate, or one to trust; and the server name to request. */
  tls?: Pick<ConnectionOptions, 'ca' | 'servername'> & { insecure?: boolean };
  /** Starts a server that has died again, and resolves when it listens. Without it, the death ends the run. */
  restart?: () => Promise<void>;
  /** Called when a case begins (`begun`) and when its connection ends. */
  onCase?: (id: string, begun: boolean) => void;
  /** Called with a sentence about an event that is not a verdict, such as a limit of the server or a restart. */
  onNote?: (sentence: string) => void;
  /** Ends the run when aborted: the iterator then throws the signal's reason. */
  signal?: AbortSignal;
}

/** The server died and was not started again; the message says in which case. The cases before it have their results. */
export class ServerDiedError extends Error {
  override name = 'ServerDiedError';
}

/** The form of a subprotocol, which is a token (RFC 6455 4.1, RFC 9110 5.6.2). */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** The sentence for a run in which no server answers, with a remedy. */
export function nobodyAt({ hostname, port, secure }: Server, why: string): string {
  const isUntrusted = secure && /CERT|ALTNAME|SIGN/.test(why);
  const remedy = isUntrusted
    ? 'make its certificate right, or accept any (insecure)'
    : 'start the server or correct its URL';
  return `Cannot connect to ${hostname}, port ${port} (${why}): ${remedy}.`;
}

/** The words for the cases that may have killed a server. */
export function inOneOf(ids: readonly string[]): string {
  return ids.length === 0 ? '' : ` in ${ids.join(' or ')}`;
}

/** The server under test. */
export interface Server extends Target {
  secure: boolean;
  hostname: string;
  port: number;
}

/**
 * The server of a run.
 * @throws CannotRunError when the URL, a subprotocol or the origin is invalid
 */
export function serverOf({ url, protocols = [], origin, headers = [] }: ServerRun): Server {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null || !['ws:', 'wss:'].includes(parsed.protocol)) {
    throw new CannotRunError(`"${url}" is no ws:// or wss:// URL.`);
  }
  const wrong = protocols.find((protocol) => !TOKEN.test(protocol));
  if (wrong !== undefined) throw new CannotRunError(`${JSON.stringify(wrong)} is no subprotocol.`);
  if (origin !== undefined && !/^[!-~]+$/.test(origin))
    throw new CannotRunError(`${JSON.stringify(origin)} is no origin.`);
  const secure = parsed.protocol === 'wss:';
  return {
    secure,
    // An IPv6 address has brackets in a URL, and none in connect().
    hostname: parsed.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: parsed.port === '' ? (secure ? 443 : 80) : Number(parsed.port),
    host: parsed.host,
    path: `${parsed.pathname}${parsed.search}`,
    protocols,
    lines: [
      ...(origin === undefined ? [] : [['Origin', origin] as [string, string]]),
      ...headers.map(([name, value]): [string, string] => [name, value]),
    ],
  };
}

/** Cases that run side by side, on `lanes` connections. Timed cases and heavy ones have separate phases. */
export interface Phase {
  cases: Case[];
  lanes: number;
}

/** The phases of a run, on up to `jobs` connections; `workers` threads, if not 0, play the cases of compressed messages. */
export function phases(cases: Case[], jobs: number, workers: number): Phase[] {
  const light: Case[] = [];
  const exchanges: Case[] = [];
  const compressions: Case[] = [];
  const alone: Case[] = [];
  for (const one of cases) {
    const { exam } = one;
    if (one.alone) alone.push(one);
    else if (exam.kind === 'script' || exam.kind === 'refusal') light.push(one);
    else if (exam.kind !== 'compression') exchanges.push(one);
    else compressions.push(one);
  }
  // Cases that send the same messages follow each other, so that these are compressed once. The longest come first, so that
  // none runs alone at the end.
  compressions.sort((one, other) => messagesOf(other).localeCompare(messagesOf(one)));
  return [
    { cases: light, lanes: jobs },
    { cases: exchanges, lanes: Math.ceil(jobs / 4) },
    { cases: alone, lanes: 1 },
    // The examiner and the testee take turns on a connection: several connections keep both busy.
    { cases: compressions, lanes: Math.min(jobs, Math.max(Math.ceil(jobs / 2), 2 * workers)) },
  ];
}
