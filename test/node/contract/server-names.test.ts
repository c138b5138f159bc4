/** The names that stand on a server are those of ws and the documented ones: a user's own flags and subclasses meet nothing. */
import net, { type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { inspect } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { contract, dial, event, listen, listenHttp, message, owned, ownedServer } from './harness.js';
import { reference, type Client, type Implementation, type Server } from './implementations.js';

type Flags = Record<string, unknown>;

/** Names that applications and their frameworks put on a server, and those that this library once used itself. */
const PLAUSIBLE = `
  state server origins openConnections removeListeners closesWithLastClient listenTo createServer
  resolveDeflate refuseOrTell onClientClose onConnectionError _closed _options id name user users room
  rooms sessions alive closed closing ended failed path port host http https app logger log timer interval
  heartbeat broadcastAll sockets connections channels drained dispatch rest send ping terminate upgrade
  maxConnections signal strict deflate extensions protocols verifyClient handleProtocols
`
  .trim()
  .split(/\s+/);

/** A whole conversation: a client comes, is heard and answered, and the server closes. */
async function converse(implementation: Implementation, server: Server): Promise<void> {
  if (server.address() === null) await event(server, 'listening');
  server.on('connection', (ws: Client) => ws.on('message', (data: Buffer) => ws.send(`heard ${data.toString()}`)));
  const client = dial(implementation, `ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  client.on('open', () => client.send('it'));
  expect((await message(client)).data.toString()).toBe('heard it');
  expect(server.clients.size).toBe(1);
  const closed = event(server, 'close');
  server.close();
  client.close();
  await closed;
}

contract('names on a server', (implementation) => {
  it('own names of instances and of the prototype are those of ws and the documented additions', async () => {
    const ws = await reference();
    const http = (await listenHttp()).server;
    for (const options of [
      { noServer: true },
      { server: http },
      { port: 0 },
      { noServer: true, clientTracking: false },
    ]) {
      const [theirs, own] = [ws, implementation].map(({ WebSocketServer }) => {
        const server = ownedServer(new WebSocketServer(options));
        return Reflect.ownKeys(server).filter((key) => typeof key === 'string');
      });
      expect(own.sort()).toEqual(theirs.sort());
    }
    const additions = implementation.name === 'wsimd' ? ['broadcast', 'drain', 'handleConnect'] : [];
    expect(Reflect.ownKeys(implementation.WebSocketServer.prototype).map(String).sort()).toEqual(
      [...Reflect.ownKeys(ws.WebSocketServer.prototype).map(String), ...additions].sort(),
    );
  });

  it('_server: is the HTTP server, and null once the server closes', async () => {
    const { server, port } = await listen(implementation);
    const flags = server as unknown as { _server: net.Server | null; _state: number };
    expect((flags._server!.address() as AddressInfo).port).toBe(port);
    expect(flags._state).toBe(0);
    const closed = event(server, 'close');
    server.close();
    expect(flags).toMatchObject({ _server: null, _state: 1 });
    await closed;
    expect(flags._state).toBe(2);
    const { server: http } = await listenHttp();
    const external = ownedServer(new implementation.WebSocketServer({ server: http })) as unknown as Flags;
    expect(external._server).toBe(http);
  });

  it('a value under every plausible name changes nothing', async () => {
    const { server } = await listen(implementation);
    for (const name of PLAUSIBLE) (server as unknown as Flags)[name] = {};
    await converse(implementation, server);
  });

  it('a subclass with a method under every plausible name is as good as the class', async () => {
    class Own extends implementation.WebSocketServer {}
    for (const name of PLAUSIBLE) {
      Object.defineProperty(Own.prototype, name, { value: () => expect.unreachable(name), configurable: true });
    }
    await converse(implementation, ownedServer(new Own({ port: 0, host: '127.0.0.1' })));
  });

  it('a Proxy around it, and an object that inherits from it, do what it does', async () => {
    for (const around of [
      (server: Server) => new Proxy(server, {}),
      (server: Server) => Object.create(server) as Server,
    ]) {
      const { server: http, url } = await listenHttp();
      const wrapped = around(ownedServer(new implementation.WebSocketServer({ noServer: true })));
      const connected = new Promise<Client>((resolve) => {
        http.on('upgrade', (request, socket, head) => wrapped.handleUpgrade(request, socket, head, resolve));
      });
      const client = dial(implementation, url);
      const [, ws] = await Promise.all([event(client, 'open'), connected]);
      expect(wrapped.clients.has(ws)).toBe(true);
      const closed = event(wrapped, 'close');
      wrapped.close();
      const gone = event(ws, 'close');
      client.terminate();
      await gone;
      expect(wrapped.clients.size).toBe(0);
      await closed;
    }
  });

  it('port: may be the path of a Unix socket', async () => {
    const file = path.join(os.tmpdir(), `wsimd-${process.pid}-${implementation.name}-${Date.now()}.sock`);
    const server = ownedServer(new implementation.WebSocketServer({ port: file }));
    await event(server, 'listening');
    expect(server.address()).toBe(file);
    const client = owned(new implementation.WebSocket(`ws+unix:${file}:/`));
    await event(client, 'open');
    onTestFinished(() => client.terminate());
  });

  it('JSON and printing of a server come to an end where those of ws do', async () => {
    const { server, url } = await listen(implementation);
    const client = dial(implementation, url);
    await event(client, 'open');
    expect(inspect(server, { depth: 8, maxArrayLength: 5 })).toContain('_server');
    const idle = ownedServer(new implementation.WebSocketServer({ noServer: true, path: '/here' }));
    expect(JSON.parse(JSON.stringify(idle))).toMatchObject({ options: { path: '/here', noServer: true }, _state: 0 });
    const of = (text: () => string): string => {
      try {
        return typeof text();
      } catch (error) {
        return (error as Error).name;
      }
    };
    const theirs = await listen(await reference());
    expect(of(() => JSON.stringify(server))).toBe(of(() => JSON.stringify(theirs.server)));
  });
});
