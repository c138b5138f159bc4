// Sessions that clients share: by origin and identity, until they end, fail or are left for 5 s; and the windows of both sides.
import { once } from 'node:events';
import http2, { type ServerHttp2Session } from 'node:http2';
import net, { type AddressInfo } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { WebSocketServer } from '../../../src/index.js';
import { shareSession, type SessionUse } from '../../../src/node/http2/sessions.js';

// The library keeps Node's timers, which no test moves; here its time is that of the test.
vi.mock(import('../../../src/node/turn.js'), async (original) => ({
  ...(await original()),
  startTimer: ((work: () => void, delay: number) => setTimeout(work, delay)) as never,
  stopTimer: (timer) => clearTimeout(timer),
}));

const endings: (() => unknown)[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const end of endings.splice(0)) await end();
});

interface Origin {
  share: (identity?: string, connect?: () => net.Socket) => SessionUse;
  /** As `share`, once both sides have the other's settings. */
  shareOpen: (identity?: string) => Promise<SessionUse>;
  sessions: ServerHttp2Session[];
  sockets: net.Socket[];
}

async function origin(server = http2.createServer()): Promise<Origin> {
  const wss = new WebSocketServer({ server });
  const sessions: ServerHttp2Session[] = [];
  server.on('session', (session) => {
    session.on('error', () => {});
    sessions.push(session);
  });
  const sockets: net.Socket[] = [];
  server.on('connection', (socket: net.Socket) => void sockets.push(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  endings.push(async () => {
    for (const session of sessions) session.destroy();
    wss.close();
    server.close();
    await once(server, 'close');
  });
  const share: Origin['share'] = (identity = 'one', connect = () => net.connect(port, '127.0.0.1')) => {
    const use = shareSession(`http://localhost:${port}`, [identity], connect);
    endings.unshift(() => use.session.destroy());
    return use;
  };
  const shareOpen = async (identity?: string): Promise<SessionUse> => {
    const use = share(identity);
    await once(use.session, 'remoteSettings');
    // What the peer sent meanwhile is here with the answer, and what was sent before is there.
    await new Promise<void>((resolve) => use.session.ping(() => resolve()));
    return use;
  };
  return { share, shareOpen, sessions, sockets };
}

test('a session is shared where origin and identity are the same', async () => {
  const { share } = await origin();
  const [one, again, other] = [share(), share(), share('other')];
  expect(again.session === one.session).toBe(true);
  expect(other.session === one.session).toBe(false);
  expect(share('other').session === other.session).toBe(true);
});

test.each<[string, string, (session: ServerHttp2Session, socket: net.Socket) => unknown]>([
  ['GOAWAY', 'goaway', (session) => session.goaway()],
  ['the end of its socket', 'close', (_, socket) => socket.destroy()],
  ['a reset', 'close', (_, socket) => socket.resetAndDestroy()],
])('a session is shared no more after %s', async (_, event, end) => {
  const { share, shareOpen, sessions, sockets } = await origin();
  const { session } = await shareOpen();
  const told = new Promise((resolve) => session.on(event, resolve));
  end(sessions[0], sockets[0]);
  await told;
  expect(share().session === session).toBe(false);
});

test('a session on which a stream was cut off is shared again once its peer has answered', async () => {
  const { share, shareOpen } = await origin();
  const first = await shareOpen();
  const { session } = first;
  const told = new Promise((resolve) => {
    const ping = session.ping.bind(session);
    session.ping = ((callback: (error: Error | null) => void) =>
      ping((error) => {
        callback(error);
        resolve(error);
      })) as typeof session.ping;
  });
  first.leave(true);
  expect(share().session === session).toBe(false);
  expect(await told).toBe(null);
  expect(share().session === session).toBe(true);
});

test('a session that was left before it had connected is shared again once its peer has answered', async () => {
  const { share } = await origin();
  const use = share();
  const { session } = use;
  use.leave(true);
  expect(share().session === session).toBe(false);
  await once(session, 'remoteSettings');
  expect(share().session === session).toBe(true);
});

test('a session that has been destroyed is shared no more, and may be left', async () => {
  const { share, shareOpen } = await origin();
  const use = await shareOpen();
  use.session.destroy();
  expect(use.take()).toBe(false);
  use.leave(true);
  expect(share().session === use.session).toBe(false);
});

test('a session that cannot connect is shared no more', async () => {
  const { share } = await origin();
  const nowhere = (): net.Socket => {
    const socket = new net.Socket();
    setImmediate(() => socket.destroy(new Error('unreachable')));
    return socket;
  };
  const { session } = share('one', nowhere);
  await once(session, 'error');
  expect(share().session === session).toBe(false);
});

test('a session that all have left ends after 5 s, and is taken up until then', async () => {
  const { share, shareOpen } = await origin();
  const first = await shareOpen();
  const { session } = first;
  const kept: string[] = [];
  for (const name of ['ref', 'unref'] as const) {
    const own = session[name].bind(session);
    session[name] = () => {
      kept.push(name);
      own();
    };
  }
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const second = share();
  // Each use counts once, however often it is left.
  first.leave();
  first.leave();
  vi.advanceTimersByTime(6000);
  expect([session.closed, kept]).toEqual([false, []]);
  second.leave();
  expect(kept).toEqual(['unref']);
  vi.advanceTimersByTime(4900);
  const third = share();
  expect(third.session === session).toBe(true);
  vi.advanceTimersByTime(6000);
  expect([session.closed, kept]).toEqual([false, ['unref', 'ref']]);
  third.leave();
  vi.advanceTimersByTime(4900);
  expect(session.closed).toBe(false);
  vi.advanceTimersByTime(200);
  expect([session.closed, kept]).toEqual([true, ['unref', 'ref', 'unref']]);
  expect(share().session === session).toBe(false);
});

test('a session whose peer is silent closes its socket when it ends', async () => {
  const { share } = await origin();
  const sockets: net.Socket[] = [];
  const silent = net.createServer({ allowHalfOpen: true }, (socket) => void sockets.push(socket));
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  endings.push(() => {
    for (const socket of sockets) socket.destroy();
    silent.close();
  });
  const own = net.connect((silent.address() as AddressInfo).port, '127.0.0.1');
  const use = share('one', () => own);
  const { session } = use;
  await once(session, 'connect');
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  use.leave(true);
  vi.advanceTimersByTime(5100);
  expect(session.destroyed).toBe(true);
  await once(own, 'close');
});

test('both sides take 1 MiB ahead on a stream and 8 MiB on a session, and a client no pushes', async () => {
  const { shareOpen, sessions } = await origin();
  const { session } = await shareOpen();
  const [served] = sessions;
  for (const each of [session, served]) {
    expect(each.remoteSettings.initialWindowSize).toBe(1 << 20);
    expect(each.state.remoteWindowSize).toBe(1 << 23);
  }
  expect([session.remoteSettings.enableConnectProtocol, served.remoteSettings.enablePush]).toEqual([true, false]);
});

test('a server whose application has chosen windows keeps them', async () => {
  const server = http2.createServer({ settings: { initialWindowSize: 1 << 16, maxConcurrentStreams: 7 } });
  server.on('session', (session) => session.setLocalWindowSize(1 << 24));
  const { shareOpen } = await origin(server);
  const { session } = await shareOpen();
  expect(session.remoteSettings).toMatchObject({ initialWindowSize: 1 << 16, maxConcurrentStreams: 7 });
  expect([session.remoteSettings.enableConnectProtocol, session.state.remoteWindowSize]).toEqual([true, 1 << 24]);
});

test('a server keeps what its application has chosen where only a part of it is shown, or a session says it', async () => {
  const server = http2.createServer({ settings: { initialWindowSize: 1 << 16, maxConcurrentStreams: 7 } });
  server.on('session', (session) => session.settings({ maxConcurrentStreams: 8 }));
  const { shareOpen } = await origin(Object.create(server) as typeof server);
  const { session } = await shareOpen();
  expect(session.remoteSettings).toMatchObject({
    enableConnectProtocol: true,
    initialWindowSize: 1 << 16,
    maxConcurrentStreams: 8,
  });
});
