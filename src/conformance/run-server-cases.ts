// Drives a server under test: a connection for each case, several side by side, and their results as they end.

import { connect } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import type { Case } from './case.js';
import { TIMES } from './examination.js';
import { examineServer, type Target } from './examine-server.js';
import { CompressedMessages } from './payloads.js';
import { Results } from './results.js';
import type { CaseResult } from './result.js';
import { CannotRunError, caseNumber, matchesAny, selectCases, type Selection } from './select.js';

/** How to drive a server. */
export interface ServerRun extends Selection {
  /** `ws://` or `wss://`. */
  url: string;
  /** Name of the testee in the results; left out, the `Server` header of its responses, else `UnknownServer`. */
  agent?: string;
  /** Cases to leave out for agents whose name matches. */
  excludeFor?: Readonly<Record<string, readonly string[]>>;
  /** Connections at a time, 1 to 64; default 8. Messages that are timed run on a quarter of them, compressed ones on half. */
  jobs?: number;
  /** Stretches all time limits; default 1. */
  timeoutScale?: number;
  /** For `wss://`: accept any certificate, or trust this one; the server name to ask for. */
  tls?: Pick<ConnectionOptions, 'ca' | 'servername'> & { insecure?: boolean };
  /** Ends the run early: the iterator throws the signal's reason. */
  signal?: AbortSignal;
}

interface Server extends Target {
  secure: boolean;
  hostname: string;
  port: number;
}

function parse(url: string): Server {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null || !['ws:', 'wss:'].includes(parsed.protocol)) {
    throw new CannotRunError(`"${url}" is no ws:// or wss:// URL.`);
  }
  const secure = parsed.protocol === 'wss:';
  return {
    secure,
    // An IPv6 address stands in brackets in the URL and without them in connect().
    hostname: parsed.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: parsed.port === '' ? (secure ? 443 : 80) : Number(parsed.port),
    host: parsed.host,
    path: `${parsed.pathname}${parsed.search}`,
  };
}

/** Fails with a sentence unless something accepts TCP connections there. */
function reach({ hostname, port }: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port });
    const fail = (why: string): void => {
      socket.destroy();
      reject(
        new CannotRunError(
          `Cannot connect to ${hostname}, port ${port} (${why}): start the server or correct its URL.`,
        ),
      );
    };
    socket.setTimeout(TIMES.open * 1000, () => fail('no answer in time'));
    socket.once('error', (error: NodeJS.ErrnoException) => fail(error.code ?? error.message));
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
  });
}

/** Cases that run side by side, on how many connections. What is timed is kept from what is heavy. */
interface Phase {
  cases: Case[];
  lanes: number;
}

function phases(cases: Case[], jobs: number): Phase[] {
  const light: Case[] = [];
  const exchanges: Case[] = [];
  const compressions: { one: Case; key: string }[] = [];
  const alone: Case[] = [];
  for (const one of cases) {
    const { exam } = one;
    if (one.alone) alone.push(one);
    else if (exam.kind === 'script' || exam.kind === 'refusal') light.push(one);
    else if (exam.kind !== 'compression') exchanges.push(one);
    else compressions.push({ one, key: `${exam.file} ${String(exam.size).padStart(6, '0')}` });
  }
  // Cases that send the same messages stand together, so that the compressed ones are made once.
  compressions.sort((one, other) => one.key.localeCompare(other.key));
  return [
    { cases: light, lanes: jobs },
    { cases: exchanges, lanes: Math.ceil(jobs / 4) },
    { cases: alone, lanes: 1 },
    // Examiner and testee work in turns: it takes several connections until both have always something to do.
    { cases: compressions.map(({ one }) => one), lanes: Math.ceil(jobs / 2) },
  ];
}

/**
 * Runs the selected cases against a server and yields their results in the order in which they end.
 * @throws CannotRunError before the first result: a bad URL, an unknown case, nobody listening.
 */
export async function* runServerCases(run: ServerRun): AsyncGenerator<CaseResult, void, void> {
  const server = parse(run.url);
  const { jobs = 8, timeoutScale: timeScale = 1, tls = {}, signal } = run;
  if (!Number.isInteger(jobs) || jobs < 1 || jobs > 64)
    throw new CannotRunError('jobs is a whole number from 1 to 64.');
  if (!(timeScale > 0)) throw new CannotRunError('timeoutScale is a number above 0.');
  let cases = selectCases(run, 'server');
  await reach(server);
  const sockets = new Set<{ destroy: () => void }>();
  const examine = async (one: Case): Promise<CaseResult> => {
    const { hostname: host, port } = server;
    const { insecure = false, ...rest } = tls;
    const socket = server.secure
      ? connectTls({
          host,
          port,
          servername: /^[\d.]+$|:/.test(host) ? '' : host,
          rejectUnauthorized: !insecure,
          ...rest,
        })
      : connect({ host, port });
    socket.setNoDelay(true);
    sockets.add(socket);
    const agent = run.agent ?? null;
    try {
      return await examineServer(one, socket, server.secure ? 'secureConnect' : 'connect', server, {
        number: caseNumber(one),
        agent,
        timeScale,
      });
    } finally {
      sockets.delete(socket);
    }
  };
  if (run.excludeFor !== undefined) {
    const agent = run.agent ?? (await examine(cases[0])).agent;
    const gone = Object.entries(run.excludeFor).flatMap(([name, ids]) => (matchesAny(agent, [name]) ? ids : []));
    cases = cases.filter(({ id }) => !matchesAny(id, gone));
  }
  const results = new Results<CaseResult>();
  const halt = new AbortController();
  const abort = (): void => {
    halt.abort();
    results.close(signal?.reason ?? new Error('The run was aborted.'));
    for (const socket of sockets) socket.destroy();
  };
  const work = async (queue: Case[]): Promise<void> => {
    for (let one = queue.shift(); one !== undefined && !halt.signal.aborted; one = queue.shift())
      results.add(await examine(one));
  };
  const all = async (): Promise<void> => {
    for (const { cases: queue, lanes } of phases(cases, jobs)) {
      await Promise.all(Array.from({ length: lanes }, () => work(queue)));
    }
  };
  if (signal?.aborted) throw signal.reason;
  signal?.addEventListener('abort', abort, { once: true });
  all().then(
    () => results.close(),
    (error: unknown) => results.close(error),
  );
  try {
    yield* results;
  } finally {
    // Also when the caller leaves the loop early.
    halt.abort();
    signal?.removeEventListener('abort', abort);
    for (const socket of sockets) socket.destroy();
    CompressedMessages.clear();
  }
}
