/** The contract with `ws`: what the module gives to `import` and to `require`. */
import { execFile } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { Duplex, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { contract } from './harness.js';
import { ownedPairOfStreams } from './streams.js';

const run = promisify(execFile);
/** Where both packages are known by their names. */
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

const NAMED = [
  'PerMessageDeflate',
  'Receiver',
  'Sender',
  'WebSocket',
  'WebSocketServer',
  'createWebSocketStream',
  'extension',
  'subprotocol',
];

contract('module shape', (implementation) => {
  it('import: the default export is the WebSocket class, the same object as the named one', () => {
    expect(implementation.default).toBe(implementation.WebSocket);
    expect(typeof implementation.default).toBe('function');
    expect(implementation.WebSocket.prototype).toBeInstanceOf(EventEmitter);
  });

  it('import: every named export of ws is there', () => {
    for (const name of NAMED) expect(implementation.namespace, name).toHaveProperty(name);
  });

  it('import: there is no named export Server (ws #2071)', () => {
    expect(implementation.namespace).not.toHaveProperty('Server');
  });

  it('exports: WebSocketServer is an EventEmitter class and WebSocket constructs without `new` by error only', () => {
    expect(implementation.WebSocketServer.prototype).toBeInstanceOf(EventEmitter);
    expect(() => Reflect.apply(implementation.WebSocket as unknown as () => void, undefined, [])).toThrow(TypeError);
  });

  it('exports: Receiver is a Writable, createWebSocketStream gives a Duplex', () => {
    expect(new implementation.Receiver()).toBeInstanceOf(Writable);
    const { ws } = ownedPairOfStreams(implementation);
    expect(implementation.createWebSocketStream(ws)).toBeInstanceOf(Duplex);
  });

  it('exports: extension is { parse, format }, subprotocol is { parse }', () => {
    expect(typeof implementation.extension.parse).toBe('function');
    expect(typeof implementation.extension.format).toBe('function');
    expect(typeof implementation.subprotocol.parse).toBe('function');
  });

  it('exports: the classes carry the names of ws, which error reports and `constructor.name` checks show', () => {
    expect(implementation.WebSocket.name).toBe('WebSocket');
    expect(implementation.WebSocketServer.name).toBe('WebSocketServer');
    expect(implementation.Receiver.name).toBe('Receiver');
    expect(implementation.Sender.name).toBe('Sender');
    expect((implementation.PerMessageDeflate as unknown as { name: string }).name).toBe('PerMessageDeflate');
  });

  it('require: the module is the WebSocket class itself with all statics, the same objects as import gives', async () => {
    // A child of plain Node, since the test runner rewrites imports; of ours, the package as it was built.
    const script = `
      const WS = require('${implementation.name}');
      import('${implementation.name}').then((esm) => {
        console.log(JSON.stringify({
          type: typeof WS,
          selfSame: WS.WebSocket === WS,
          server: WS.Server === WS.WebSocketServer,
          statics: Object.keys(WS).sort(),
          esmDefault: esm.default === WS,
          esmServer: esm.WebSocketServer === WS.WebSocketServer,
          esmReceiver: esm.Receiver === WS.Receiver,
          esmSender: esm.Sender === WS.Sender,
          esmDeflate: esm.PerMessageDeflate === WS.PerMessageDeflate,
          esmStream: esm.createWebSocketStream === WS.createWebSocketStream,
        }));
      });
    `;
    const { stdout } = await run(process.execPath, ['--no-warnings', '-e', script], { cwd: ROOT });
    const shape = JSON.parse(stdout) as Record<string, unknown> & { statics: string[] };
    expect(shape).toMatchObject({
      type: 'function',
      selfSame: true,
      server: true,
      esmDefault: true,
      esmServer: true,
      esmReceiver: true,
      esmSender: true,
      esmDeflate: true,
      esmStream: true,
    });
    for (const name of [...NAMED, 'Server', 'CONNECTING', 'OPEN', 'CLOSING', 'CLOSED']) {
      expect(shape.statics, name).toContain(name);
    }
  });

  it('load: importing emits no deprecation and no warning', async () => {
    const url = await implementation.childModule();
    const { stderr } = await run(process.execPath, [
      '--throw-deprecation',
      '--input-type=module',
      '-e',
      `await import(${JSON.stringify(url)})`,
    ]);
    expect(stderr).toBe('');
  });

  it('load: importing keeps no process alive', async () => {
    const url = await implementation.childModule();
    await run(process.execPath, ['--input-type=module', '-e', `await import(${JSON.stringify(url)})`], {
      timeout: 15_000,
    });
  });
});
