// Bundlers, with `ws` imported in one file and required in another: the bundle holds one class, and talks.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import commonjs from '@rollup/plugin-commonjs';
import { nodeResolve } from '@rollup/plugin-node-resolve';
import esbuild from 'esbuild';
import { rolldown } from 'rolldown';
import { rollup } from 'rollup';
import webpack from 'webpack';
import webpack106 from 'webpack-5.106';
import webpack109 from 'webpack-5.109';
import { finish, require } from './support.mjs';

const run = promisify(execFile);
// Beside node_modules, where bundlers find the package.
const directory = await mkdtemp(path.resolve('bundles-'));
const at = (name) => path.join(directory, name);
const entry = at('entry.mjs');

await writeFile(at('by-import.mjs'), "export { default, WebSocketServer } from 'ws';\n");
await writeFile(at('by-require.cjs'), "module.exports = require('ws');\n");
await writeFile(
  entry,
  `import WebSocket, { WebSocketServer } from './by-import.mjs';
  import required from './by-require.cjs';
  if (required !== WebSocket || required.Server !== WebSocketServer) throw new Error('more than one class');
  const server = new WebSocketServer({ port: 0, perMessageDeflate: true }, () => {
    const client = new required('ws://127.0.0.1:' + server.address().port);
    const text = 'text '.repeat(1000);
    server.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
    client.on('open', () => client.send(text));
    client.on('message', (data) => {
      if (String(data) !== text) throw new Error('the echo differs');
      client.close();
      server.close(() => console.log('one class, echo ok'));
    });
  });
  `,
);

const bun = require.resolve('@oven/bun-linux-x64/bin/bun');
const ncc = require.resolve('@vercel/ncc/dist/ncc/cli.js');
const webpackTo = (file, mode, options, bundler = webpack) =>
  new Promise((resolve, reject) => {
    const output = { path: directory, filename: file, ...options.output };
    bundler({ mode, target: 'node', entry, ...options, output }, (error, stats) => {
      if (error) reject(error);
      else if (stats.hasErrors()) reject(new Error(stats.toString({ all: false, errors: true })));
      else resolve();
    });
  });
const asModule = { experiments: { outputModule: true }, output: { module: true, library: { type: 'module' } } };
const write = async (bundle, file, format) => {
  await bundle.write({ file: at(file), format });
  await bundle.close();
};
const esbuildTo = (file, format) =>
  esbuild.build({ entryPoints: [entry], bundle: true, platform: 'node', format, outfile: at(file) });
const rollupTo = async (file, format) =>
  write(
    await rollup({ input: entry, plugins: [nodeResolve({ preferBuiltins: true }), commonjs()], onwarn() {} }),
    file,
    format,
  );
const rolldownTo = async (file, format) => write(await rolldown({ input: entry, platform: 'node' }), file, format);

/** The file of each bundle, and what makes it. */
const BUNDLES = {
  'webpack.cjs': (file) => webpackTo(file, 'production', {}),
  'webpack-development.cjs': (file) => webpackTo(file, 'development', {}),
  'webpack.mjs': (file) => webpackTo(file, 'production', asModule),
  // Each of them rewrites `require`, `import.meta` and `createRequire` in its own way.
  'webpack-5.106.cjs': (file) => webpackTo(file, 'production', {}, webpack106),
  'webpack-5.106.mjs': (file) => webpackTo(file, 'production', asModule, webpack106),
  'webpack-5.109.cjs': (file) => webpackTo(file, 'production', {}, webpack109),
  'webpack-5.109.mjs': (file) => webpackTo(file, 'production', asModule, webpack109),
  'rolldown.cjs': (file) => rolldownTo(file, 'cjs'),
  'rolldown.mjs': (file) => rolldownTo(file, 'esm'),
  'rollup.cjs': (file) => rollupTo(file, 'cjs'),
  'rollup.mjs': (file) => rollupTo(file, 'esm'),
  'esbuild.cjs': (file) => esbuildTo(file, 'cjs'),
  // esbuild lets no require of ws's through into an ES module.
  ...(process.env.EXPECTED_PACKAGE === 'ws' ? {} : { 'esbuild.mjs': (file) => esbuildTo(file, 'esm') }),
  'ncc/index.mjs': () => run(process.execPath, [ncc, 'build', entry, '-o', at('ncc')]),
  'bun.mjs': (file) => run(bun, ['build', entry, '--target=node', `--outfile=${at(file)}`]),
};
try {
  for (const [file, build] of Object.entries(BUNDLES)) {
    await build(file);
    const { stdout } = await run(process.execPath, [at(file)], { timeout: 20_000 });
    if (!stdout.includes('one class, echo ok')) throw new Error(`${file}: ${stdout}`);
  }
} finally {
  await rm(directory, { recursive: true, force: true });
}
finish(Object.keys(BUNDLES).join(', '), []);
