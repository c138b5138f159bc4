// browserify reads the manifest's own `browser` field: what it bundles is a stub that says so.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import vm from 'node:vm';
import browserify from 'browserify';
import { finish } from './support.mjs';

const directory = await mkdtemp(path.resolve('browserify-'));
try {
  const entry = path.join(directory, 'entry.js');
  await writeFile(entry, "globalThis.stub = require('ws');\n");
  const code = await new Promise((resolve, reject) => {
    browserify(entry).bundle((error, bytes) => (error ? reject(error) : resolve(String(bytes))));
  });
  const context = vm.createContext({});
  vm.runInContext(code, context);
  assert.equal(typeof context.stub, 'function');
  assert.throws(() => new context.stub('ws://127.0.0.1'), /does not work in the browser/);
} finally {
  await rm(directory, { recursive: true, force: true });
}
finish('a stub', []);
