/** Every option of a server, and what its functions return, with the values that a careless application passes. */
import net from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { RAW_KEY, RawPeer } from '../../support/raw-peer.js';
import { contract, duplexPair, turn } from './harness.js';
import { ours, type Client, type Implementation, type Server } from './implementations.js';
import { comparing, ODD_VALUES, thrown, type Differences, type OddValue, type Outcome } from './odd-values.js';

const HEADERS = {
  host: 'localhost',
  upgrade: 'websocket',
  connection: 'Upgrade',
  'sec-websocket-key': RAW_KEY,
  'sec-websocket-version': '13',
  'sec-websocket-protocol': 'a, b',
  origin: 'http://a.example',
};

/** The order of fields under different names is of no consequence. */
function sorted(head: string): string {
  const [first, ...lines] = head.trimEnd().split('\r\n');
  return [first, ...lines.sort()].join('\n');
}

/** What a server answers to a good request, changed as told, and whether it tells of an error. */
async function answerOf(server: Server, changes: object = {}): Promise<Outcome> {
  const [socket, other] = duplexPair();
  const peer = new RawPeer(other, 'client');
  let told = '';
  let protocol = '';
  server.on('error', () => {
    told = '\nError';
  });
  try {
    const request = { method: 'GET', url: '/', headers: { ...HEADERS }, socket: {}, ...changes };
    server.handleUpgrade(request as never, socket, Buffer.alloc(0), (ws) => {
      protocol = `\nprotocol ${[ws.protocol as unknown].join()}`;
    });
    await turn();
    const head = sorted(await peer.readHead());
    const body = socket.writableEnded ? `\n${(await peer.readToEnd()).toString()}` : '';
    return head + body + protocol + told;
  } catch (error) {
    return thrown(error);
  } finally {
    socket.destroy();
    other.destroy();
  }
}

type Make = (implementation: Implementation, value: unknown) => Server;

const made =
  (options: (value: unknown) => object): Make =>
  (implementation, value) =>
    new implementation.WebSocketServer({ noServer: true, ...options(value) });

const changed =
  (name: string): Make =>
  (implementation, value) => {
    const server = new implementation.WebSocketServer({ noServer: true });
    server.options[name] = value;
    return server;
  };

/** The application's mistake is no fault of the client's, who gets this, and the application an 'error'. */
const MISTAKE: Outcome = [
  'HTTP/1.1 500 Internal Server Error',
  'Connection: close',
  'Content-Length: 21',
  'Content-Type: text/html',
  'Internal Server Error',
  'Error',
].join('\n');

/** Where `ws` throws, which ends the process, or writes no status line, this library answers. */
function alive(theirs: Outcome): Outcome {
  return theirs.startsWith('throws ') || !/^HTTP\/1\.1 [2-9]\d\d |^HTTP\/1\.1 101 /.test(theirs) ? MISTAKE : theirs;
}

const FORBIDDEN = 'HTTP/1.1 403 Forbidden';

function upgrading(
  place: string,
  make: Make,
  differences: Differences = {},
  values: readonly OddValue[] = ODD_VALUES,
): void {
  comparing(place, (implementation, value) => answerOf(make(implementation, value)), differences, values, alive);
}

const without = (...names: string[]): readonly OddValue[] => ODD_VALUES.filter(([name]) => !names.includes(name));
const only = (...names: string[]): readonly OddValue[] => ODD_VALUES.filter(([name]) => names.includes(name));
const all = (outcome: Outcome, values: readonly OddValue[]): Differences =>
  Object.fromEntries(values.map(([name]) => [name, outcome]));

type Answer = (...values: unknown[]) => void;
const verifying = (call: (answer: Answer, value: unknown) => void): Make =>
  made((value) => ({ verifyClient: (_info: unknown, answer: Answer) => call(answer, value) }));

describe('odd values of a server', () => {
  upgrading(
    'verifyClient returns value',
    made((value) => ({ verifyClient: () => value })),
  );
  upgrading(
    'answer(value)',
    verifying((answer, value) => answer(value)),
  );
  upgrading(
    'answer(false, value)',
    verifying((answer, value) => answer(false, value)),
  );
  upgrading(
    "answer(false, value, 'x')",
    verifying((answer, value) => answer(false, value, 'x')),
  );

  describe('answer(false, 403, value)', () => {
    it.each(without('a Symbol', 'an object without a prototype', 'a Proxy that throws', 'a revoked Proxy'))(
      '%s is the body of the refusal that was meant',
      async (_name, make) => {
        const value = make() as string;
        const outcome = await answerOf(verifying((answer) => answer(false, 403, value))(await ours(), value));
        expect(outcome.split('\n', 1)[0]).toBe(FORBIDDEN);
        expect(outcome.endsWith(`\n${[value || ''].join() || 'Forbidden'}`)).toBe(true);
      },
    );
  });

  upgrading(
    "answer(false, 403, 'x', value)",
    verifying((answer, value) => answer(false, 403, 'x', value)),
  );
  upgrading(
    "answer(false, 403, 'x', { X: value })",
    verifying((answer, value) => answer(false, 403, 'x', { X: value })),
    Object.fromEntries(
      // A field that is undefined is left out.
      ([['undefined'], ['a Symbol', 'X: Symbol(odd)']] as const).map(([name, ...field]) => [
        name,
        [FORBIDDEN, 'Connection: close', 'Content-Length: 1', 'Content-Type: text/html', ...field, 'x'].join('\n'),
      ]),
    ),
  );
  upgrading(
    'handleProtocols returns value',
    made((value) => ({ handleProtocols: () => value })),
  );
  upgrading(
    "a line pushed in 'headers'",
    (implementation, value) => {
      const server = new implementation.WebSocketServer({ noServer: true });
      server.on('headers', (lines: unknown[]) => lines.push(value));
      return server;
    },
    // An empty line would end the head, and what follows it would be frames.
    all(MISTAKE, only('undefined', 'null', "''", '[]', 'an empty Buffer')),
  );

  const functions = ['a function of two', 'a class'];
  upgrading('options.verifyClient = value', changed('verifyClient'), {}, without(...functions));
  upgrading('options.handleProtocols = value', changed('handleProtocols'), {}, without(...functions));
  upgrading('options.WebSocket = value', changed('WebSocket'), {}, without('a function of two'));
  for (const name of ['path', 'clientTracking', 'autoPong', 'skipUTF8Validation', 'allowSynchronousEvents']) {
    upgrading(`options.${name} = value`, changed(name));
  }
  // A string is the name of a preset here, and D9.
  const presets = only("'0'", "'10'", "'text'", "'utf8'", 'a Proxy that throws', 'a revoked Proxy');
  upgrading('options.perMessageDeflate = value', changed('perMessageDeflate'), all(MISTAKE, presets));
  for (const name of ['maxPayload', 'maxFragments', 'maxBufferedChunks', 'closeTimeout']) {
    const refused = only('NaN', '-1', '1.5', "'text'", 'a Map');
    upgrading(`options.${name} = value (D9)`, changed(name), all(MISTAKE, refused), refused);
  }

  /** Whether the constructor takes a value. */
  const constructing = (name: string, differences: Differences = {}): void => {
    const outcomeOf = (implementation: Implementation, value: unknown): Outcome => {
      try {
        made(() => ({ [name]: value }))(implementation, value);
      } catch {
        return 'throws';
      }
      return 'made';
    };
    comparing(`new WebSocketServer({ ${name}: value })`, outcomeOf, differences);
  };
  const loose = ['backlog', 'host', 'path', 'clientTracking', 'verifyClient', 'handleProtocols', 'WebSocket'];
  for (const name of [...loose, 'autoPong', 'allowSynchronousEvents', 'skipUTF8Validation']) constructing(name);
  constructing('perMessageDeflate', all('throws', presets));
  for (const name of ['maxPayload', 'maxFragments', 'maxBufferedChunks', 'closeTimeout']) {
    const counts = ['undefined', 'null', 'true', 'false', '0', '-0', '1', '10', "''", "'0'", "'10'", '[]', 'a Date'];
    const taken = [...counts, 'an empty Buffer', 'a Number object', ...(name === 'closeTimeout' ? [] : ['Infinity'])];
    constructing(name, all('throws', without(...taken)));
  }

  for (const [at, name] of ['port', 'host', 'backlog'].entries()) {
    const outcomeOf = (implementation: Implementation, value: unknown): Outcome => {
      const listen = vi.spyOn(net.Server.prototype, 'listen').mockReturnThis();
      try {
        void new implementation.WebSocketServer({ port: 0, [name]: value });
        return Object.is(listen.mock.calls[0]?.[at], value) ? 'handed on' : 'changed';
      } catch (error) {
        return thrown(error);
      } finally {
        listen.mockRestore();
      }
    };
    comparing(`new WebSocketServer({ port: 0, ${name}: value }) listens with it`, outcomeOf);
  }

  const ofRequest = (place: string, changesOf: (value: unknown) => object, differences: Differences = {}): void => {
    const outcomeOf = (implementation: Implementation, value: unknown): Promise<Outcome> => {
      const verifyClient = (): boolean => true;
      return answerOf(new implementation.WebSocketServer({ noServer: true, verifyClient }), changesOf(value));
    };
    comparing(place, outcomeOf, differences, ODD_VALUES);
  };
  // Only what ws reads of a request may be needed.
  for (const name of ['rawHeaders', 'url', 'httpVersion', 'connection', 'complete', 'rawTrailers']) {
    const read: Differences = name === 'rawHeaders' ? { 'a revoked Proxy': 'throws TypeError' } : {};
    ofRequest(`a request whose ${name} is value`, (value) => ({ [name]: value }), read);
  }
  ofRequest('a request whose rawHeaders are pairs', () => ({ rawHeaders: Object.entries(HEADERS) }));
  ofRequest('a request whose rawHeaders are stale', (value) => ({
    rawHeaders: ['Host', 'old', 'Transfer-Encoding', 'chunked', 'Content-Length', value],
  }));
  ofRequest('a request of a bare object', () => ({ socket: { authorized: true } }));
});

describe('odd values of perMessageDeflate', () => {
  const all4 =
    'client_max_window_bits; server_max_window_bits=12; server_no_context_takeover; client_no_context_takeover';
  for (const offer of ['permessage-deflate', `permessage-deflate; ${all4}`]) {
    const deflate = (name: string, values: readonly OddValue[]): void => {
      const outcomeOf = async (implementation: Implementation, value: unknown): Promise<Outcome> => {
        const server = new implementation.WebSocketServer({ noServer: true, perMessageDeflate: { [name]: value } });
        const answer = await answerOf(server, { headers: { ...HEADERS, 'sec-websocket-extensions': offer } });
        // The order of parameters is of no consequence.
        return answer.replace(/permessage-deflate; .*/, (text) => text.split('; ').sort().join('; '));
      };
      comparing(`{ ${name}: value } for ${offer}`, outcomeOf, {}, values);
    };
    deflate('serverNoContextTakeover', ODD_VALUES);
    deflate('clientNoContextTakeover', ODD_VALUES);
    for (const name of ['serverMaxWindowBits', 'clientMaxWindowBits']) {
      deflate(name, only('undefined', 'null', 'true', 'false', '10'));
    }
    for (const name of ['threshold', 'concurrencyLimit']) deflate(name, only('undefined', 'null', '0', '10', "'10'"));
  }
});

describe('control characters in the values of an application (D18)', () => {
  const BREAKS = ['a\r\nY: b', 'a\nb', 'a\rb', 'a\0b', 'a\x7fb'];
  const places: readonly (readonly [place: string, make: (text: string) => Make])[] = [
    ['a field of a refusal', (text) => verifying((answer) => answer(false, 403, 'x', { X: text }))],
    ['the name of a field of a refusal', (text) => verifying((answer) => answer(false, 403, 'x', { [text]: 'x' }))],
    ['the status of a refusal', (text) => verifying((answer) => answer(false, text, 'x'))],
    ['a subprotocol', (text) => made(() => ({ handleProtocols: () => text }))],
    [
      "a line in 'headers'",
      (text) => (implementation) => {
        const server = new implementation.WebSocketServer({ noServer: true });
        server.on('headers', (lines: string[]) => lines.push(`X: ${text}`));
        return server;
      },
    ],
  ];
  it.each(places)('%s: the client gets a 500, the application an error', async (_place, make) => {
    for (const text of BREAKS) expect(await answerOf(make(text)(await ours(), undefined))).toBe(MISTAKE);
  });
});

describe('odd arguments of a server', () => {
  const calling = (place: string, call: (server: Server, value: unknown) => void, values = ODD_VALUES): void => {
    const outcomeOf = async (implementation: Implementation, value: unknown): Promise<Outcome> => {
      const server = new implementation.WebSocketServer({ noServer: true });
      try {
        call(server, value);
      } catch (error) {
        return thrown(error);
      }
      await turn();
      return 'done';
    };
    comparing(place, outcomeOf, {}, values);
  };
  const callable = without('a class');
  comparing('new WebSocketServer(value)', (implementation, value) => {
    try {
      void new implementation.WebSocketServer(value as Record<string, unknown>);
    } catch (error) {
      return thrown(error);
    }
    return 'made';
  });
  calling('close(value)', (server, value) => server.close(value as () => void), callable);
  calling(
    'handleUpgrade(request, socket, head, value)',
    (server, value) => {
      const [socket] = duplexPair();
      const request = { method: 'GET', url: '/', headers: HEADERS, socket: {} };
      server.handleUpgrade(request as never, socket, Buffer.alloc(0), value as () => void);
    },
    callable,
  );
  calling('shouldHandle(value)', (server, value) => server.shouldHandle(value as never));

  it('maxConnections and handshakeTimeout: what is no number is refused by the constructor', async () => {
    const { WebSocketServer } = await ours();
    for (const name of ['maxConnections', 'handshakeTimeout']) {
      for (const value of [NaN, -1, 1.5, 'many', {}, Symbol('odd')]) {
        expect(() => new WebSocketServer({ noServer: true, [name]: value })).toThrow(RangeError);
      }
    }
  });
});

contract('functions of a server', (implementation) => {
  it('verifyClient and handleProtocols: `this` is the options', async () => {
    const seen: unknown[] = [];
    const options = {
      noServer: true,
      verifyClient(this: unknown) {
        seen.push(this);
        return true;
      },
      handleProtocols(this: unknown, protocols: Set<string>) {
        seen.push(this);
        return [...protocols][1];
      },
    };
    const server = new implementation.WebSocketServer(options);
    await answerOf(server);
    server.options.verifyClient = function verify(this: unknown, _info: unknown, answer: Answer): void {
      seen.push(this);
      answer(true);
    };
    expect(await answerOf(server)).toContain('protocol b');
    expect(seen).toEqual(Array(4).fill(server.options));
  });

  it('a function of the application that throws: its error goes its way', async () => {
    const failure = new Error('mine');
    const fail = (): never => {
      throw failure;
    };
    for (const options of [{ verifyClient: fail }, { handleProtocols: fail }]) {
      const server = new implementation.WebSocketServer({ noServer: true, ...options });
      const [socket] = duplexPair();
      const request = { method: 'GET', url: '/', headers: HEADERS, socket: {} };
      expect(() => server.handleUpgrade(request as never, socket, Buffer.alloc(0), () => {})).toThrow(failure);
      // Deviation from ws: the client is not left without an answer.
      expect(socket.writableEnded).toBe(implementation.name === 'wsimd');
    }
  });

  it("a mistake with a listener of 'wsClientError': it answers", async () => {
    const server = new implementation.WebSocketServer({ noServer: true });
    server.on('wsClientError', (error: Error, socket: Client['_socket']) =>
      socket.end(`HTTP/1.1 418 ${error.name}\r\n\r\n`),
    );
    server.on('headers', (lines: string[]) => lines.push('X: a\r\nY: b'));
    const answer = await answerOf(server);
    if (implementation.name === 'wsimd') expect(answer).toMatch(/^HTTP\/1\.1 418 TypeError/);
    else expect(answer).toMatch(/^HTTP\/1\.1 101 /);
  });
});
