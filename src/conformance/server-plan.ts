// `phases` and `serverOf` plan a run against a server: its address, its requests, and the cases side by side.

import type { ConnectionOptions } from 'node:tls';
import type { Case } from './case.js';
import type { Target } from './handshake.js';
import { CannotRunError, type Selection } from './select.js';
import { messagesOf } from './shares.js';

/** How to drive a server. */
export interface ServerRun extends Selection {
  /** `ws://` or `wss://`. */
  url: string;
  /** Name of the testee in the results; left out, the `Server` header of its responses, else `UnknownServer`. */
  agent?: string;
  /** Subprotocols that every request offers, but of the cases that are about them. */
  protocols?: readonly string[];
  /** The `Origin` that every request names, but of the cases that are about it. */
  origin?: string;
  /** Other header lines of every request. */
  headers?: readonly (readonly [name: string, value: string])[];
  /** Cases to leave out for agents whose name matches. */
  excludeFor?: Readonly<Record<string, readonly string[]>>;
  /**
   * Connections at a time, 1 to 64; default 8, or as many as the server serves side by side. Messages that are timed run on a quarter of
   * them, compressed ones on half. A case that does not pass beside others is judged again alone, so no verdict depends on it.
   */
  jobs?: number;
  /** Threads beside this one, up to 64, that play the cases of compressed messages; default 0, which leaves them to this thread. */
  workers?: number;
  /** Stretches all time limits; default 1. */
  timeoutScale?: number;
  /** For `wss://`: accept any certificate, or trust this one; the server name to ask for. */
  tls?: Pick<ConnectionOptions, 'ca' | 'servername'> & { insecure?: boolean };
  /** Starts the server anew when it has died; it resolves when it is up. Left out, the run ends there. */
  restart?: () => Promise<void>;
  /** Called when a case begins (`begun`) and when its connection is over. */
  onCase?: (id: string, begun: boolean) => void;
  /** Called with a sentence about something that is no verdict: a limit of the server, a restart. */
  onNote?: (sentence: string) => void;
  /** Ends the run early: the iterator throws the signal's reason. */
  signal?: AbortSignal;
}

/** The server under test died and was not started again: a sentence that says when. The cases before it have their results. */
export class ServerDiedError extends Error {
  override name = 'ServerDiedError';
}

/** RFC 6455 4.1: a subprotocol is a token (RFC 9110 5.6.2). */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Why a run cannot begin: nobody answers there, and how that may be mended. */
export function nobodyAt({ hostname, port, secure }: Server, why: string): string {
  const isUntrusted = secure && /CERT|ALTNAME|SIGN/.test(why);
  const remedy = isUntrusted
    ? 'make its certificate right, or accept any (insecure)'
    : 'start the server or correct its URL';
  return `Cannot connect to ${hostname}, port ${port} (${why}): ${remedy}.`;
}

/** The words that name the cases of which a server may have died. */
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
 * The server that a run names.
 * @throws CannotRunError when its URL, a subprotocol or the origin is none
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
    // An IPv6 address stands in brackets in the URL and without them in connect().
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

/** Cases that run side by side, on how many connections. Timed cases are kept from heavy ones. */
export interface Phase {
  cases: Case[];
  lanes: number;
}

/** The cases of a run in their phases, on up to `jobs` connections. Compressed messages are for `workers` threads, where there are some. */
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
  // Cases that send the same messages stand together, so that the compressed ones are made once; the longest come first, so that no
  // thread is left with one at the end.
  compressions.sort((one, other) => messagesOf(other).localeCompare(messagesOf(one)));
  return [
    { cases: light, lanes: jobs },
    { cases: exchanges, lanes: Math.ceil(jobs / 4) },
    { cases: alone, lanes: 1 },
    // Examiner and testee work in turns: it takes several connections until both have always something to do.
    { cases: compressions, lanes: Math.min(jobs, Math.max(Math.ceil(jobs / 2), 2 * workers)) },
  ];
}
