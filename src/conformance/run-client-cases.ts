// `runClientCases` examines clients on the paths of the classic suite, and yields results as cases end.

import type { ServerHttp2Session } from 'node:http2';
import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer as createTlsServer } from 'node:tls';
import type { Case } from './case.js';
import { clientPage, progressJson } from './client-page.js';
import type { ClientExamination, ClientRun } from './client-run.js';
import { agentOf, BadRequest, generated, GENERATED, isHandshake, selectedOf, waitKey } from './client-query.js';
import { isOver } from './connection.js';
import { checkWorkers, Crew, isHeavy } from './crew.js';
import { examineClient, type Asked } from './examine-client.js';
import { type Circumstances, neverPlayed, TIMES } from './examination.js';
import { HeaderReader, judgeRequest, readHeader, refuse, respond } from './handshake.js';
import { serveOverHttp2 } from './http2.js';
import { judgeOrigin, wantsUpgrade } from './origin.js';
import { after } from './patience.js';
import { Results } from './results.js';
import type { CaseResult } from './result.js';
import { CannotRunError, matchesAny, selectCases } from './select.js';
import { tellClient, type Text } from './tell-client.js';

/** The number of last results of generated streams that the examiner keeps for clients. */
const KEPT = 100;

class ClientServer implements ClientExamination {
  readonly results = new Map<string, Map<string, CaseResult>>();
  readonly #run: ClientRun;
  readonly #cases: Case[];
  readonly #timeScale: number;
  readonly #server: Server;
  readonly #sockets = new Set<Duplex | ServerHttp2Session>();
  readonly #queue = new Results<CaseResult>();
  readonly #running = new Set<string>();
  /** The running cases, by the sockets of their clients. */
  readonly #playing = new Map<Duplex, Promise<CaseResult>>();
  /** The sockets of cases that were running when the run ended. */
  readonly #cut = new Set<Duplex>();
  readonly #waiting = new Map<string, Set<() => void>>();
  /** The worker threads, made with the first case for them. */
  #crew: Crew | null = null;
  readonly #abort = (): void => this.#end(this.#run.signal?.reason ?? new Error('The run was aborted.'));

  constructor(run: ClientRun) {
    this.#run = run;
    this.#timeScale = run.timeoutScale ?? 1;
    this.#cases = selectCases(run, 'client');
    const serve = (socket: Duplex): void => this.#serve(socket);
    if (run.http2) this.#server = serveOverHttp2(run.tls, serve, (session) => this.#hold(session));
    else if (run.tls === undefined) this.#server = createServer({ noDelay: true }, serve);
    else this.#server = createTlsServer({ ...run.tls, noDelay: true }, serve);
  }

  listen(): Promise<void> {
    const { port, host = '127.0.0.1', signal } = this.#run;
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) =>
        reject(
          new CannotRunError(`Cannot listen on ${host}, port ${port}: ${error.code ?? error.message}.`, {
            cause: error,
          }),
        ),
      );
      // A failed TLS handshake concerns only the client.
      this.#server.on('tlsClientError', () => undefined);
      this.#server.listen(port, host, () => {
        signal?.addEventListener('abort', this.#abort, { once: true });
        resolve();
      });
    });
  }

  get #count(): number {
    return this.#run.search === undefined ? this.#cases.length : GENERATED;
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
    const settled = this.settled();
    for (const socket of this.#playing.keys()) if (!isOver(socket)) this.#cut.add(socket);
    for (const socket of this.#sockets) socket.destroy();
    void settled.then(() => {
      this.#crew?.end();
      this.#queue.close(error);
    });
  }

  async settled(): Promise<void> {
    const over = [...this.#playing].filter(([socket]) => isOver(socket));
    await Promise.allSettled(over.map(([, result]) => result));
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<CaseResult, void, void> {
    try {
      yield* this.#queue;
    } finally {
      this.stop();
    }
  }

  #hold(held: Duplex | ServerHttp2Session): void {
    this.#sockets.add(held);
    held.once('close', () => this.#sockets.delete(held));
  }

  #serve(socket: Duplex): void {
    this.#hold(socket);
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

  async #answer(socket: Duplex, asked: Asked): Promise<void> {
    const target = asked.header.startLine.split(' ')[1] ?? '';
    const url = URL.canParse(target, 'http://examiner') ? new URL(target, 'http://examiner') : null;
    if (url === null) throw new BadRequest(400, `"${target}" is no path.`);
    const { host = '127.0.0.1', tls, allowedOrigins = [] } = this.#run;
    const unwelcome = judgeOrigin(asked.header, { host, secure: tls !== undefined, allowedOrigins });
    if (unwelcome !== null) throw new BadRequest(403, unwelcome);
    const query = url.searchParams;
    if (!wantsUpgrade(asked.header) && this.#show(socket, asked, url.pathname)) return;
    switch (url.pathname) {
      case '/getCaseCount':
        this.#tell(socket, asked, () => JSON.stringify(this.#count));
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
          await this.settled();
          await this.#run.updateReports?.(this.results);
          if (query.get('shutdownOnComplete') === 'true') this.stop();
          return null;
        });
        return;
      case '/stopServer':
        // Only a handshake ends the run, because any page can make a browser send a plain GET.
        if (!wantsUpgrade(asked.header)) throw new BadRequest(400, 'This path takes a WebSocket handshake.');
        this.stop();
        return;
      default:
        throw new BadRequest(404, `The examiner knows no path "${url.pathname}".`);
    }
  }

  /** Answers a browser's requests for the page and its progress; returns whether it has answered. */
  #show(socket: Duplex, asked: Asked, path: string): boolean {
    if (!asked.header.startLine.startsWith('GET ')) return false;
    if (path === '/') socket.end(respond('text/html', clientPage(this.url, this.#count)));
    else if (path === '/progress') {
      socket.end(respond('application/json', progressJson(this.results, [...this.#running], this.#count)));
    } else return false;
    return true;
  }

  #caseOf(query: URLSearchParams): { one: Case; number: number } {
    return this.#run.search === undefined ? selectedOf(query, this.#cases) : generated(query);
  }

  async #runCase(socket: Duplex, asked: Asked, query: URLSearchParams): Promise<void> {
    const { one, number } = this.#caseOf(query);
    const agent = agentOf(query);
    const excluded = Object.entries(this.#run.excludeFor ?? {}).some(
      ([name, ids]) => matchesAny(agent, [name]) && matchesAny(one.id, ids),
    );
    if (excluded) {
      this.#tell(socket, asked, () => null);
      return;
    }
    const circumstances = { number, agent, timeScale: this.#timeScale, protocol: this.#protocolOf(asked) };
    const wrong = judgeRequest(asked.header);
    // A request without a field of a handshake is not from a client under test: a page can make a browser send it.
    if (wrong !== null && !isHandshake(asked.header)) throw new BadRequest(400, wrong);
    let result: CaseResult;
    if (wrong === null) {
      const running = `${one.id} of ${agent}`;
      this.#running.add(running);
      this.#run.onCase?.(one.id, true, agent);
      try {
        const played = this.#run.search?.next(one.id) ?? one;
        const playing = this.#play(played, socket, asked, circumstances);
        this.#playing.set(socket, playing);
        result = await playing;
        if (!this.#cut.has(socket)) this.#run.search?.judge(played, result);
      } finally {
        this.#playing.delete(socket);
        this.#running.delete(running);
        this.#run.onCase?.(one.id, false, agent);
      }
    } else {
      result = neverPlayed(one, asked.raw, wrong, circumstances);
      socket.end(refuse(400, wrong));
    }
    if (this.#cut.has(socket)) return;
    const ofAgent = this.results.get(agent) ?? new Map<string, CaseResult>();
    this.results.set(agent, ofAgent.set(one.id, result));
    if (this.#run.search !== undefined && ofAgent.size > KEPT) ofAgent.delete(ofAgent.keys().next().value!);
    this.#queue.add(result);
    for (const wake of this.#waiting.get(waitKey(agent, one.id)) ?? []) wake();
  }

  #play(one: Case, socket: Duplex, asked: Asked, circumstances: Circumstances): Promise<CaseResult> {
    const { workers = 0 } = this.#run;
    if (workers === 0 || !isHeavy(one)) return examineClient(one, socket, asked, circumstances);
    this.#crew ??= new Crew(workers);
    return this.#crew.serve(one, socket, asked, circumstances);
  }

  /** The first subprotocol that the client offers and the run accepts. */
  #protocolOf({ header }: Asked): string | undefined {
    const offered = header.values('sec-websocket-protocol').flatMap((value) => value.split(/ *, */));
    return offered.find((one) => this.#run.protocols?.includes(one));
  }

  /** Resolves when the result exists or the client's connection has ended. */
  #resultOf(socket: Duplex, agent: string, id: string): Promise<void> {
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

  #tell(socket: Duplex, asked: Asked, text: Text): void {
    tellClient(socket, asked, text, { protocol: this.#protocolOf(asked), timeScale: this.#timeScale });
  }
}

/**
 * Listens for clients under test; resolves once it listens.
 * @throws CannotRunError when no case is selected, a setting is out of range, or the port is not available
 */
export async function runClientCases(run: ClientRun): Promise<ClientExamination> {
  const { timeoutScale = 1, workers = 0 } = run;
  if (!(timeoutScale > 0)) throw new CannotRunError('timeoutScale is a number above 0.');
  checkWorkers(workers);
  run.signal?.throwIfAborted();
  const server = new ClientServer(run);
  await server.listen();
  return server;
}
