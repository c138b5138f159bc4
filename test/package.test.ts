// The package as Node sees it once it has been built: what `require` and `import` give, and that its declarations name it.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import type Declared from '../src/index.cjs';
import type { WebSocket, WebSocketServer } from '../src/index.js';
import type { ClientOptions } from '../src/node/client-options.js';
import type { PerMessageDeflateOptions } from '../src/node/deflate/engines.js';
import type { EventFace } from '../src/node/event-target.js';
import type { SharedOptions } from '../src/node/options.js';
import type { ServerOptions } from '../src/node/server-options.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const NAMES = [
  'PerMessageDeflate',
  'Receiver',
  'Sender',
  'WebSocket',
  'WebSocketServer',
  'createWebSocketStream',
  'extension',
  'subprotocol',
];

/** What a program in a process of its own prints as JSON; this package is its `wsimd`. */
function evaluate(program: string, ...flags: string[]): unknown {
  return JSON.parse(execFileSync(process.execPath, [...flags, '-e', program], { cwd: ROOT, encoding: 'utf8' }));
}

describe('the package that was built', () => {
  it('has every file that its manifest names', () => {
    const text = readFileSync(path.join(ROOT, 'package.json'), 'utf8');
    const named = [...text.matchAll(/"\.\/(dist\/[^"]+)"/g)].map(([, file]) => file);
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((file) => !existsSync(path.join(ROOT, file)))).toEqual([]);
  });

  it('holds every file that the files of its program load', () => {
    const [packed] = JSON.parse(
      execFileSync('npm', ['pack', '--dry-run', '--ignore-scripts', '--json'], { cwd: ROOT, encoding: 'utf8' }),
    ) as { files: { path: string }[] }[];
    const files = new Set(packed.files.map((file) => file.path));
    const loads = [...files]
      .filter((file) => /^dist\/(?:cli|conformance)\/.*\.js$/.test(file))
      .flatMap((file) => {
        const code = readFileSync(path.join(ROOT, file), 'utf8');
        const loaded = [...code.matchAll(/(?:\bfrom|\bimport|\bimport\()\s*["'`](\.[^"'`$]+)["'`]/g)];
        return loaded.map(([, name]) => path.posix.join(path.posix.dirname(file), name));
      });
    expect(loads.length).toBeGreaterThan(5);
    expect([...new Set(loads)].filter((file) => !files.has(file))).toEqual([]);
  });

  it('is the class itself for require, with everything else on it', () => {
    const shape = evaluate(`
      const W = require('wsimd');
      console.log(JSON.stringify({
        itself: typeof W === 'function' && W.WebSocket === W && W.Server === W.WebSocketServer,
        missing: ${JSON.stringify(NAMES)}.filter((name) => W[name] === undefined),
      }))`);
    expect(shape).toEqual({ itself: true, missing: [] });
  });

  it('gives the same class for import, and no name that ws does not have', () => {
    const shape = evaluate(`
      const W = require('wsimd');
      import('wsimd').then((module) => console.log(JSON.stringify({
        same: module.default === W && module.WebSocket === W && module.WebSocketServer === W.Server,
        names: Object.keys(module).filter((name) => name !== 'default' && name !== 'module.exports').sort(),
      })))`);
    expect(shape).toEqual({ same: true, names: NAMES });
  });

  it.each(['wsimd/codec', 'wsimd/codec/deflate'])('gives the same %s for require and import', (door) => {
    const shape = evaluate(`
      const codec = require('${door}');
      import('${door}').then((module) => console.log(JSON.stringify(
        Object.keys(module).filter((name) => name !== 'module.exports' && module[name] !== codec[name]))))`);
    expect(shape).toEqual([]);
  });

  /** The files that these lead to, in the order in which they are evaluated, and what else they import. */
  const walked = (...doors: string[]): { files: string[]; stray: string[] } => {
    const stray: string[] = [];
    const files = new Set<string>();
    const begun = new Set<string>();
    const walk = (file: string): void => {
      if (begun.has(file)) return;
      begun.add(file);
      const text = readFileSync(path.join(ROOT, 'dist', file), 'utf8');
      for (const { fileName } of ts.preProcessFile(text).importedFiles) {
        if (/^\.\.?\/.*\.js$/.test(fileName)) walk(path.join(path.dirname(file), fileName));
        else stray.push(`${file} imports ${fileName}`);
      }
      files.add(file);
    };
    doors.forEach(walk);
    return { files: [...files], stray };
  };

  it('has ES modules of the codec that a browser loads as they are', () => {
    const codec = walked('sans-io.js', 'browser.js');
    const rooms = ['codec.js', 'connection.js', 'handshake.js', 'kernel-module.js', 'kernels.js', 'spec.js'];
    expect(codec.files.sort()).toEqual(['browser.js', ...rooms, 'sans-io.js'].sort());
    const deflate = walked('deflate.js');
    const deflateRooms = ['deflate-core.js', 'kernel-module.js', 'kernels.js', 'spec.js'];
    expect(deflate.files.sort()).toEqual([...deflateRooms, 'deflate.js'].sort());
    expect([...codec.stray, ...deflate.stray]).toEqual([]);
  });

  it("has doors for workerd whose modules are the platform's, the kernels' registered before they are chosen", () => {
    const codec = walked('sans-io-workerd.js');
    expect(codec.stray).toEqual(['module-workerd.js imports ./codec.wasm']);
    expect(codec.files.slice(0, 2)).toEqual(['kernel-module.js', 'module-workerd.js']);
    expect(walked('deflate-workerd.js').stray).toEqual(['deflate-workerd.js imports ./deflate.wasm']);
    const { sideEffects } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
      sideEffects: string[];
    };
    for (const file of ['sans-io-workerd', 'module-workerd', 'deflate-workerd']) {
      expect(sideEffects).toContain(`./dist/${file}.js`);
    }
  });

  it('has no top-level await, which require refuses', () => {
    const require = createRequire(import.meta.url);
    for (const name of ['wsimd', 'wsimd/codec', 'wsimd/codec/deflate', 'wsimd/conformance']) {
      expect(() => evaluate(`require('${name}'); console.log(0)`), name).not.toThrow();
      expect(require.resolve(name)).toContain(path.join('dist', path.sep).trim());
    }
  });

  it('works where nothing may be compiled', () => {
    const program = `console.log(JSON.stringify(require('./dist/sans-io.cjs').kernels.name))`;
    expect(evaluate(program, '--jitless')).toBe('javascript');
    const deflate = `console.log(JSON.stringify(require('wsimd/codec/deflate').canDeflate()))`;
    expect([evaluate(deflate, '--jitless'), evaluate(deflate)]).toEqual([false, true]);
  });

  it.each(['--jitless', '--no-warnings'])('lives through an import without WebAssembly: %s', (flag) => {
    const program = `
      delete globalThis.WebAssembly;
      import('wsimd').then(({ WebSocketServer }) => {
        const server = new WebSocketServer({ port: 0 }, () => server.close(() => console.log(JSON.stringify('closed'))));
      })`;
    expect(evaluate(program, flag)).toBe('closed');
  });

  it('asks Node itself for each of its modules where a bundler lets no `require` through', () => {
    const files = readdirSync(path.join(ROOT, 'dist'), { recursive: true, encoding: 'utf8' });
    const bare = files
      .filter((file) => file.endsWith('.cjs'))
      .flatMap((file) => readFileSync(path.join(ROOT, 'dist', file), 'utf8').match(/^.*\brequire\("node:.*$/gm) ?? [])
      .filter((line) => !/ = builtin\(\(\) => require\(("node:[\w/]+")\), \1\);$/.test(line));
    expect(bare).toEqual([]);
  });

  it('is collected with all it holds when a copy is let go, as test runners do for each file', () => {
    const program = `
      const { readFileSync } = require('node:fs');
      const path = require('node:path');
      const vm = require('node:vm');
      const file = path.resolve('dist/index.cjs');
      function load(run, file, modules = new Map()) {
        if (modules.has(file)) return modules.get(file).exports;
        const module = { exports: {} };
        modules.set(file, module);
        const find = (name) =>
          name.startsWith('.') ? load(run, path.resolve(path.dirname(file), name), modules) : require(name);
        run('(function (exports, require, module) {' + readFileSync(file) + '\\n})')(module.exports, find, module);
        return module.exports;
      }
      async function converse(WebSocket) {
        const server = new WebSocket.Server({ port: 0, host: '127.0.0.1' });
        await new Promise((resolve) => server.on('listening', resolve));
        server.on('connection', (peer) => peer.send('welcome'));
        const client = new WebSocket('ws://127.0.0.1:' + server.address().port);
        await new Promise((resolve) => client.on('message', resolve));
        client.close();
        await new Promise((resolve) => client.on('close', resolve));
        await new Promise((resolve) => server.close(resolve));
        return new WeakRef(WebSocket);
      }
      function inRealm() {
        const realm = vm.createContext({ Buffer, process, queueMicrotask, setTimeout, clearTimeout });
        return (text) => vm.runInContext(text, realm);
      }
      const warnings = [];
      process.on('warning', (warning) => warnings.push(warning.name));
      (async () => {
        const copies = { realms: [], globals: [] };
        for (let at = 0; at < 12; at++) {
          copies.realms.push(await converse(load(inRealm(), file)));
          copies.globals.push(await converse(load((text) => vm.runInThisContext(text), file)));
        }
        // The last conversation is let go by Node's own lists when another socket has been.
        for (let at = 0; at < 50 && Object.values(copies).flat().some((copy) => copy.deref()); at++) {
          await new Promise((resolve) => setTimeout(resolve, 20));
          gc();
        }
        const alive = Object.values(copies).map((list) => list.filter((copy) => copy.deref()).length);
        console.log(JSON.stringify({ alive, exits: process.listenerCount('exit'), warnings }));
      })();`;
    expect(evaluate(program, '--expose-gc')).toEqual({ alive: [0, 0], exits: 1, warnings: [] });
  });

  it('carries modules of at most 16 KiB, and the codec loads but its own', () => {
    for (const name of ['codec.wasm', 'deflate.wasm']) {
      expect(statSync(path.join(ROOT, 'dist', name)).size, name).toBeLessThanOrEqual(16 * 1024);
    }
    const text = readFileSync(path.join(ROOT, 'build/deflate.wasm')).toString('base64').slice(0, 200);
    const carriers = readdirSync(path.join(ROOT, 'dist')).filter(
      (name) => name.endsWith('js') && readFileSync(path.join(ROOT, 'dist', name), 'utf8').includes(text),
    );
    expect(carriers).toEqual(['deflate-core.js', 'deflate.cjs']);
  });

  // What a platform makes of `wsimd` where there are no sockets: every name of it, and who says that it needs Node when called.
  const inBrowser = (load: string, ...flags: string[]): unknown =>
    evaluate(
      `globalThis.WebSocket = class WebSocket {};
      ${load}.then((door) => {
        const messages = ['WebSocketServer', 'Receiver', 'Sender', 'PerMessageDeflate'].map((name) => {
          try { new door[name]() } catch (error) { return error.message }
        });
        try { door.createWebSocketStream() } catch (error) { messages.push(error.message) }
        console.log(JSON.stringify({
          native: door.WebSocket === globalThis.WebSocket,
          names: Object.keys(door).filter((name) => name !== 'default').sort(),
          clear: messages.filter((message) => /^\\w+ of wsimd needs the sockets of Node/.test(message)).length,
        }))
      })`,
      ...flags,
    );

  it('says in a browser what needs Node, when it is used', () => {
    const expected = { native: true, names: NAMES, clear: 5 };
    expect(inBrowser(`import('wsimd')`, '-C', 'browser')).toEqual(expected);
    expect(inBrowser(`Promise.resolve(require('wsimd'))`, '-C', 'browser')).toEqual(expected);
    expect(inBrowser(`Promise.resolve(require('./dist/browser.cjs'))`)).toEqual(expected);
  });

  it.each(['wsimd', 'ws'])('is for require in a browser a function that throws: %s', (name) => {
    const program = `
      const stub = require('${name}');
      try { new stub('ws://127.0.0.1') } catch (error) { console.log(JSON.stringify([typeof stub, error.message])) }`;
    expect(evaluate(program, '-C', 'browser')).toEqual([
      'function',
      `${name} does not work in the browser. Browser clients must use the native WebSocket object`,
    ]);
    // browserify and others read the manifest's own field.
    const manifest = JSON.parse(
      readFileSync(path.join(ROOT, name === 'ws' ? 'node_modules/ws' : '.', 'package.json'), 'utf8'),
    ) as { browser: string };
    expect(manifest.browser).toMatch(/browser\.c?js$/);
  });

  it('has declarations in CommonJS for each file that they import', () => {
    const dist = path.join(ROOT, 'dist');
    const files = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.d.cts'));
    expect(files.length).toBeGreaterThan(2);
    const lost = files.flatMap((file) => {
      const { importedFiles } = ts.preProcessFile(readFileSync(path.join(dist, file), 'utf8'));
      return importedFiles
        .map(({ fileName }) => fileName)
        .filter((name) => name.startsWith('.'))
        .map((name) => path.join(path.dirname(file), name.replace(/\.cjs$/, '.d.cts')))
        .filter((imported) => !existsSync(path.join(dist, imported)));
    });
    expect(lost).toEqual([]);
  });
});

// Declared by hand, so that programs written for @types/ws compile: what compiles here is that nothing is declared that is not
// there, and that nothing public is left out.
type Never<T extends never> = T;
type Public<T> = Exclude<keyof T, `_${string}`>;
type Constant = 'CONNECTING' | 'OPEN' | 'CLOSING' | 'CLOSED';
/** What the transport calls on its owner, and `completeUpgrade`, which works on what the handshake found. */
type Inner = 'dispatch' | 'ended' | 'failed' | 'drained' | 'rest' | 'closed' | 'emitClose' | 'completeUpgrade';

type Methods = { [K in keyof Declared]: Declared[K] extends (...args: never[]) => unknown ? K : never }[keyof Declared];
/** Properties whose values of `From` `To` does not take. */
type Untaken<From, To, Except = never> = {
  [K in Exclude<keyof From & keyof To, Except>]: From[K] extends To[K] ? never : K;
}[Exclude<keyof From & keyof To, Except>];

export type Differences = [
  Never<Exclude<keyof Declared, keyof WebSocket | keyof EventFace<Declared> | Constant>>,
  Never<Exclude<Public<WebSocket>, keyof Declared | Inner>>,
  Never<Exclude<keyof Declared.Server, keyof WebSocketServer | 'path'>>,
  Never<Exclude<Public<WebSocketServer>, keyof Declared.Server | Inner>>,
  Never<Exclude<keyof ServerOptions, keyof Declared.ServerOptions>>,
  Never<Exclude<keyof Declared.ServerOptions, keyof ServerOptions>>,
  Never<Exclude<keyof Declared.ClientOptions, keyof ClientOptions>>,
  // What is declared to be taken is taken, and what is declared to be read is there; but for what @types/ws imposes.
  Never<Untaken<Declared.ServerOptions, ServerOptions, 'WebSocket' | 'verifyClient' | 'server' | 'perMessageDeflate'>>,
  Never<
    Untaken<
      Declared.ClientOptions,
      ClientOptions,
      'finishRequest' | 'createConnection' | 'checkServerIdentity' | 'perMessageDeflate'
    >
  >,
  Never<Untaken<Declared.SharedOptions, SharedOptions>>,
  Never<Untaken<Omit<Declared.PerMessageDeflateOptions, 'zlibDeflateOptions'>, PerMessageDeflateOptions>>,
  Never<Exclude<keyof PerMessageDeflateOptions, keyof Declared.PerMessageDeflateOptions>>,
  Never<Exclude<keyof SharedOptions, keyof Declared.SharedOptions>>,
  Never<Untaken<WebSocket, Declared, keyof EventFace<Declared> | Methods | 'binaryType' | 'url'>>,
];
