// The server that a client under test drives: it speaks the classic paths (/getCaseCount, /runCase, ...) and yields the results as they end.

import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import type { Case } from './case.js';
import { Connection } from './connection.js';
import { examineClient, type Asked } from './examine-client.js';
import { EXAMINER, neverPlayed, TIMES } from './examination.js';
import { buildResponse, HeaderReader, judgeRequest, readHeader, refuse } from './handshake.js';
import { after } from './patience.js';
import { Recorder } from './recorder.js';
import { Results } from './results.js';
import type { CaseResult } from './result.js';
import { CannotRunError, matchesAny, selectCases, type Selection } from './select.js';
import { Opcode } from './wire.js';

/** Results by the testee's name, then by the case's id. */
export type AgentResults = ReadonlyMap<string, ReadonlyMap<string, CaseResult>>;

/** How to serve clients under test. */
export interface ClientRun extends Selection {
  /** Port to listen on; 0 lets the system choose. */
  port: number;
  /** Address to listen on; default 127.0.0.1. */
  host?: string;
  /** With a certificate and a key the server speaks TLS. */
  tls?: Pick<TlsOptions, 'cert' | 'key'>;
  /** Cases to leave out for agents whose name matches: their connections are closed at once, without a result. */
  excludeFor?: Readonly<Record<string, readonly string[]>>;
  /** Stretches all time limits; default 1. */
  timeoutScale?: number;
  /** Called at /updateReports with all results so far; the client waits for it. */
  updateReports?: (results: AgentResults) => Promise<void> | void;
  /** Ends the run: the iterator throws the signal's reason. */
  signal?: AbortSignal;
}

/** A run that serves clients; iterating over it yields their results as they end. */
export interface ClientExamination extends AsyncIterable<CaseResult> {
  /** Where it listens. */
  readonly url: string;
  readonly port: number;
  /** All results so far. */
  readonly results: AgentResults;
  /** Ends the run and its iteration. */
  stop(): void;
}

/** A request that is answered with an HTTP status and this sentence. */
class BadRequest extends Error {
  readonly status: 400 | 404;

  constructor(status: 400 | 404, sentence: string) {
    super(sentence);
    this.status = status;
  }
}

const MAX_AGENT = 200;

class ClientServer implements ClientExamination {
  readonly results = new Map<string, Map<string, CaseResult>>();
  readonly #run: ClientRun;
  readonly #cases: Case[];
  readonly #timeScale: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #queue = new Results<CaseResult>();
  readonly #waiting = new Map<string, Set<() => void>>();
  readonly #abort = (): void => this.#end(this.#run.signal?.reason ?? new Error('The run was aborted.'));

  constructor(run: ClientRun) {
    this.#run = run;
    this.#timeScale = run.timeoutScale ?? 1;
    this.#cases = selectCases(run, 'client');
    const serve = (socket: Socket): void => this.#serve(socket);
    this.#server = run.tls === undefined ? createServer(serve) : createTlsServer(run.tls, serve);
  }

  listen(): Promise<void> {
    const { port, host = '127.0.0.1', signal } = this.#run;
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) =>
        reject(new CannotRunError(`Cannot listen on ${host}, port ${port}: ${error.code ?? error.message}.`)),
      );
      // A TLS handshake that fails is the client's affair.
      this.#server.on('tlsClientError', () => undefined);
      this.#server.listen(port, host, () => {
        signal?.addEventListener('abort', this.#abort, { once: true });
        resolve();
      });
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? this.#run.port;
  }

  get url(): string {
    const { host = '127.0.0.1', tls } = this.#run;
    return `${tls === undefined ? 'ws' : 'wss'}://${host.includes(':') ? `[${host}]` : host}:${this.port}`;
  }

  stop(): void {
    this.#end(null);
  }

  #end(error: unknown): void {
    this.#run.signal?.removeEventListener('abort', this.#abort);
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    this.#queue.close(error);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<CaseResult, void, void> {
    try {
      yield* this.#queue;
    } finally {
      this.stop();
    }
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.on('error', () => undefined);
    const reader = new HeaderReader();
    const cancel = after(TIMES.open * this.#timeScale, () => socket.destroy());
    socket.once('close', cancel);
    const onData = (chunk: Buffer): void => {
      const read = reader.push(chunk);
      if (read === undefined) return;
      socket.off('data', onData);
      cancel();
      const header = read === null ? null : readHeader(read.header);
      if (read === null || header === null) {
        socket.end(refuse(400, 'This is no HTTP request, or its header is longer than 64 KiB.'));
        return;
      }
      this.#answer(socket, { header, raw: read.header, rest: read.rest }).catch((error: unknown) => {
        const [status, sentence] =
          error instanceof BadRequest
            ? [error.status, error.message]
            : [500 as const, 'The examiner failed: ' + String(error)];
        if (socket.writable) socket.end(refuse(status, sentence));
      });
    };
    socket.on('data', onData);
  }

  async #answer(socket: Socket, asked: Asked): Promise<void> {
    const target = asked.header.startLine.split(' ')[1] ?? '';
    const url = URL.canParse(target, 'http://examiner') ? new URL(target, 'http://examiner') : null;
    if (url === null) throw new BadRequest(400, `"${target}" is no path.`);
    const query = url.searchParams;
    switch (url.pathname) {
      case '/getCaseCount':
        this.#tell(socket, asked, () => JSON.stringify(this.#cases.length));
        return;
      case '/getCaseInfo': {
        const { id, description } = this.#caseOf(query).one;
        this.#tell(socket, asked, () => JSON.stringify({ id, description }));
        return;
      }
      case '/runCase':
        await this.#runCase(socket, asked, query);
        return;
      case '/getCaseStatus': {
        const { id } = this.#caseOf(query).one;
        const agent = agentOf(query);
        this.#tell(socket, asked, async () => {
          await this.#resultOf(socket, agent, id);
          return JSON.stringify({ behavior: this.results.get(agent)?.get(id)?.behavior });
        });
        return;
      }
      case '/updateReports':
        this.#tell(socket, asked, async () => {
          await this.#run.updateReports?.(this.results);
          if (query.get('shutdownOnComplete') === 'true') this.stop();
          return null;
        });
        return;
      case '/stopServer':
        this.stop();
        return;
      default:
        throw new BadRequest(404, `The examiner knows no path "${url.pathname}".`);
    }
  }

  #caseOf(query: URLSearchParams): { one: Case; number: number } {
    const id = query.get('casetuple');
    const place = id === null ? Number(query.get('case') ?? 'NaN') : this.#cases.findIndex((one) => one.id === id) + 1;
    const one = this.#cases[place - 1] as Case | undefined;
    if (one === undefined) {
      const named = id === null ? `number ${query.get('case') ?? '(none)'}` : `"${id}"`;
      throw new BadRequest(404, `There is no case ${named} among the ${this.#cases.length} that were selected.`);
    }
    return { one, number: place };
  }

  async #runCase(socket: Socket, asked: Asked, query: URLSearchParams): Promise<void> {
    const { one, number } = this.#caseOf(query);
    const agent = agentOf(query);
    const excluded = Object.entries(this.#run.excludeFor ?? {}).some(
      ([name, ids]) => matchesAny(agent, [name]) && matchesAny(one.id, ids),
    );
    if (excluded) {
      this.#tell(socket, asked, () => null);
      return;
    }
    const circumstances = { number, agent, timeScale: this.#timeScale };
    const wrong = judgeRequest(asked.header);
    let result: CaseResult;
    if (wrong === null) result = await examineClient(one, socket, asked, circumstances);
    else {
      result = neverPlayed(one, asked.raw, wrong, circumstances);
      socket.end(refuse(400, wrong));
    }
    const ofAgent = this.results.get(agent) ?? new Map<string, CaseResult>();
    this.results.set(agent, ofAgent.set(one.id, result));
    this.#queue.add(result);
    for (const wake of this.#waiting.get(waitKey(agent, one.id)) ?? []) wake();
  }

  /** Resolves when the result is there or the client is gone. */
  #resultOf(socket: Socket, agent: string, id: string): Promise<void> {
    if (this.results.get(agent)?.has(id)) return Promise.resolve();
    const key = waitKey(agent, id);
    const waiting = this.#waiting.get(key) ?? new Set();
    this.#waiting.set(key, waiting);
    return new Promise((resolve) => {
      const wake = (): void => {
        waiting.delete(wake);
        socket.off('close', wake);
        resolve();
      };
      waiting.add(wake);
      socket.once('close', wake);
    });
  }

  /** Opens a WebSocket connection, sends one text message unless it is null, and closes without a code. */
  #tell(socket: Socket, asked: Asked, text: () => string | null | Promise<string | null>): void {
    const wrong = judgeRequest(asked.header);
    if (wrong !== null) throw new BadRequest(400, wrong);
    const key = asked.header.values('sec-websocket-key')[0];
    const connection = new Connection(socket, {
      role: 'server',
      recorder: new Recorder(),
      times: { reply: TIMES.reply * this.#timeScale, drop: TIMES.drop * this.#timeScale },
      deflate: null,
      handlers: { event: () => undefined },
    });
    socket.on('data', (chunk: Buffer) => connection.receive(chunk));
    socket.once('close', () => connection.lost());
    socket.write(buildResponse({ key, agent: EXAMINER, extensions: null }, {}));
    if (asked.rest.length > 0) connection.receive(asked.rest);
    void (async () => {
      try {
        const message = await text();
        if (message !== null && connection.isOpen) connection.sender.sendFrame(Opcode.Text, Buffer.from(message));
        connection.close(null);
      } catch (error) {
        connection.close(1011, error instanceof Error ? error.message.slice(0, 60) : null);
      }
    })();
  }
}

function waitKey(agent: string, id: string): string {
  return `${id} ${agent}`;
}

function agentOf(query: URLSearchParams): string {
  const agent = query.get('agent')?.trim() ?? '';
  if (agent === '' || agent.length > MAX_AGENT) {
    throw new BadRequest(400, `The query needs agent=NAME, of 1 to ${MAX_AGENT} characters.`);
  }
  return agent;
}

/**
 * Listens for clients under test; resolves when it does.
 * @throws CannotRunError when no case is selected or the port is not to be had.
 */
export async function runClientCases(run: ClientRun): Promise<ClientExamination> {
  const { timeoutScale = 1 } = run;
  if (!(timeoutScale > 0)) throw new CannotRunError('timeoutScale is a number above 0.');
  run.signal?.throwIfAborted();
  const server = new ClientServer(run);
  await server.listen();
  return server;
}
