// `ProxyPage` serves the page of `wsimd proxy`, and sends it rows for all that passes.
import { createRequire } from 'node:module';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { judgeOrigin } from '../../conformance/origin.js';
import { WebSocketServer, type WebSocket } from '../../index.js';
import { listenOn } from '../target.js';
import type { Frame, Heads, Message, Side } from '../traffic/frame.js';
import { proxyPage } from './page-html.js';
import { PageRows, type Row } from './page-rows.js';
import type { Passing, Watch } from './watch.js';

// Loaded by require: an import of node:http evaluates all of its exports, and fails without WebAssembly (--jitless).
const require = createRequire(import.meta.url);
const nodeHttp = require('node:http') as typeof import('node:http');

/** `readyState` of an open WebSocket. */
const OPEN = 1;
const HOST = '127.0.0.1';
/** The interval in ms at which rows are sent together, and the most rows at a time, as no one could read more. */
const SEND_EVERY = 100;
const MOST_ROWS = 500;

export class ProxyPage implements Watch {
  private readonly rows = new PageRows();
  private readonly http = nodeHttp.createServer((request, response) => this.answer(request, response));
  private readonly server = new WebSocketServer({
    noServer: true,
    maxPayload: 1024,
    perMessageDeflate: false,
  });
  private readonly sockets = new Set<Socket>();
  private news: Row[] = [];
  private timer: NodeJS.Timeout | undefined;
  private isPaused = false;

  /** @param turn pauses or resumes the proxy, when the page asks for it */
  constructor(
    private readonly target: string,
    private readonly turn: (pauses: boolean) => void,
  ) {
    this.http.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
    this.http.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      if (refusal(request) !== null) return void socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n');
      this.server.handleUpgrade(request, socket, head, (websocket: WebSocket) => this.greet(websocket));
    });
  }

  /**
   * Begins to listen.
   * @returns the URL of the page
   * @throws CommandError
   */
  async listen(port: number): Promise<string> {
    return `http://${HOST}:${await listenOn(this.http, { host: HOST, port }, '--page')}/`;
  }

  async close(): Promise<void> {
    clearTimeout(this.timer);
    for (const websocket of this.server.clients!) websocket.close(1001);
    const closed = new Promise((resolve) => this.http.close(resolve));
    for (const socket of this.sockets) socket.destroySoon();
    await closed;
  }

  opened(connection: Passing, heads: Heads): void {
    this.add(this.rows.opened(connection, heads));
  }

  frame(connection: Passing, frame: Frame, message: Message | undefined): void {
    this.add(this.rows.frame(connection, frame, message));
  }

  bytes(connection: Passing, from: Side, chunk: Uint8Array, time: number): void {
    // The handshake's bytes are left out, because its row shows the heads.
    if (connection.openedAt > 0) this.add(this.rows.bytes(connection, from, chunk, time));
  }

  note(connection: Passing, text: string): void {
    this.add(this.rows.note(connection, text));
  }

  ended(connection: Passing): void {
    this.add(this.rows.note(connection, 'The connection has ended.', 'end'));
  }

  /** Tells the page that the proxy has paused or resumed. */
  paused(pauses: boolean): void {
    this.isPaused = pauses;
    this.tell({ paused: pauses });
  }

  private greet(websocket: WebSocket): void {
    websocket.on('error', () => undefined);
    websocket.on('message', (data: Buffer) => {
      const text = String(data);
      if (text === 'pause' || text === 'resume') this.turn(text === 'pause');
    });
    this.send();
    const rows = this.rows.last(MOST_ROWS);
    websocket.send(JSON.stringify({ target: this.target, paused: this.isPaused, rows }));
  }

  /** Queues a row for the page; without an open page, the row is not even built. */
  private add(kept: { readonly row: Row }): void {
    if (this.server.clients!.size === 0) return;
    this.news.push(kept.row);
    this.timer ??= setTimeout(() => this.send(), SEND_EVERY);
  }

  private send(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const { news } = this;
    this.news = [];
    if (news.length === 0) return;
    const skipped = Math.max(0, news.length - MOST_ROWS);
    this.tell({ rows: news.slice(skipped), ...(skipped === 0 ? {} : { skipped }) });
  }

  private tell(value: object): void {
    const text = JSON.stringify(value);
    for (const websocket of this.server.clients!) if (websocket.readyState === OPEN) websocket.send(text);
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const [path, query] = (request.url ?? '').split('?', 2);
    const why = refusal(request);
    const detail = path === '/row' ? this.rows.detail(Number(new URLSearchParams(query).get('id'))) : undefined;
    if (why !== null) write(response, 403, 'text/plain', `${why}\n`);
    else if (path === '/') write(response, 200, 'text/html', proxyPage(this.target));
    else if (detail !== undefined) write(response, 200, 'application/json', JSON.stringify(detail));
    else write(response, 404, 'text/plain', 'There is nothing here, or not any more.\n');
  }
}

/** Returns why a request is refused, or null: pages of other sites may not read the traffic. */
function refusal({ headersDistinct }: IncomingMessage): string | null {
  const values = (name: string): string[] => headersDistinct[name] ?? [];
  return judgeOrigin({ startLine: '', status: 0, values }, { host: HOST, secure: false, allowedOrigins: [] });
}

function write(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, {
    'content-type': `${type}; charset=utf-8`,
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
  });
  response.end(body);
}
