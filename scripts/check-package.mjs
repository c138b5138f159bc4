// What has been built -> a verdict on the package as its users get it: its manifest, its types against programs written for
// @types/ws, and a run as ES module, as CommonJS, in Jest and out of a bundle. Prints a line for each check.
import { cp, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { rolldown } from 'rolldown';
import { Checks, expectText, install, pack, ROOT, run } from '../test/consumer/support.mjs';

const { devDependencies } = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8'));
const CONSUMER = path.join(ROOT, 'test/consumer');
const ATTW = path.join(ROOT, 'node_modules/@arethetypeswrong/cli/dist/index.js');
const PUBLINT = path.join(ROOT, 'node_modules/publint/src/cli.js');

const directory = await mkdtemp(path.join(tmpdir(), 'wsimd-package-'));
const checks = new Checks();
try {
  const tarball = await pack(directory);
  await checks.check('it takes at most 416 KiB, a third of it the conformance suite and the commands', async () => {
    const kibibytes = (await stat(tarball)).size / 1024;
    if (kibibytes > 416) throw new Error(`${kibibytes.toFixed(1)} KiB`);
    return `${kibibytes.toFixed(1)} KiB`;
  });
  await checks.check('publint', () => run(process.execPath, [PUBLINT, 'run', tarball, '--strict']).then(() => ''));
  const attw = (...args) => run(process.execPath, [ATTW, tarball, '--format', 'ascii', ...args]).then(() => '');
  await checks.check('types resolve for import and require', () =>
    attw('--profile', 'node16', '--exclude-entrypoints', 'codec.wasm', 'package.json', 'conformance'),
  );
  await checks.check('types of conformance resolve for import', () =>
    attw('--profile', 'esm-only', '--entrypoints', 'conformance'),
  );

  const ours = path.join(directory, 'ours');
  await checks.check('the tarball installs, also in the place of ws', () =>
    install(ours, {
      '@types/node': devDependencies['@types/node'],
      jest: '30.5.2',
      'typescript-5.9': 'npm:typescript@5.9',
      'typescript-6.0': 'npm:typescript@6.0',
      'typescript-7.0': 'npm:typescript@7.0',
      ws: `file:${tarball}`,
      wsimd: `file:${tarball}`,
    }),
  );
  await cp(path.join(CONSUMER, 'samples'), path.join(ours, 'samples'), { recursive: true });
  await cp(path.join(CONSUMER, 'programs'), ours, { recursive: true });
  await cp(path.join(CONSUMER, 'tsconfig.json'), path.join(ours, 'tsconfig.json'));
  await writeFile(path.join(ours, 'samples/package.json'), '{ "type": "module" }');
  const versions = ['5.9', '6.0', '7.0'];
  const compile = (version, project) =>
    run(process.execPath, [path.join(ours, `node_modules/typescript-${version}/bin/tsc`), '-p', project]);
  for (const version of versions) {
    await checks.check(`sample programs compile with TypeScript ${version}`, () => compile(version, ours));
  }
  // The samples are what users of ws write: they must compile against what those users have, too.
  const theirs = path.join(directory, 'theirs');
  await checks.check('the same programs compile against @types/ws', async () => {
    await mkdir(path.join(theirs, 'node_modules/@types'), { recursive: true });
    for (const name of ['ws', 'node']) {
      await symlink(path.join(ROOT, 'node_modules/@types', name), path.join(theirs, 'node_modules/@types', name));
    }
    await cp(path.join(ours, 'samples'), path.join(theirs, 'samples'), { recursive: true });
    const config = { extends: '../ours/tsconfig.json', include: ['samples'], exclude: ['samples/ours*'] };
    await writeFile(path.join(theirs, 'tsconfig.json'), JSON.stringify(config));
    for (const version of versions) await compile(version, theirs);
    return `TypeScript ${versions.join(', ')}`;
  });

  await checks.check('a server of ours is taken where packages declare that of @types/ws', async () => {
    const beside = path.join(directory, 'beside');
    const { ws, '@types/node': node, '@types/ws': types } = devDependencies;
    await install(beside, {
      '@trpc/server': '11',
      '@types/node': node,
      '@types/ws': types,
      graphql: '17',
      'graphql-ws': '6',
      ws,
      wsimd: `file:${tarball}`,
    });
    await cp(path.join(CONSUMER, 'beside'), path.join(beside, 'samples'), { recursive: true });
    const options = { lib: ['es2022', 'dom'], skipLibCheck: true, exactOptionalPropertyTypes: false };
    const config = { extends: '../ours/tsconfig.json', compilerOptions: options, include: ['samples'] };
    await writeFile(path.join(beside, 'tsconfig.json'), JSON.stringify(config));
    await writeFile(path.join(beside, 'samples/package.json'), '{ "type": "module" }');
    for (const version of versions) await compile(version, beside);
    return `TypeScript ${versions.join(', ')}`;
  });

  await checks.check('every door opens for import and require', async () => {
    const names = [
      '',
      '/codec',
      '/codec/deflate',
      '/metrics',
      '/topics',
      '/topics/redis',
      '/topics/nats',
      '/topics/cluster',
    ].map((door) => `wsimd${door}`);
    const program = names.map((name) => `await import('${name}'); require('${name}');`).join(' ');
    const start = "const require = process.getBuiltinModule('node:module').createRequire(process.cwd() + '/x');";
    await run(process.execPath, ['--input-type=module', '-e', start + program], { cwd: ours });
    return names.length;
  });
  await checks.check('a program in CommonJS runs', async () => {
    const text = await run(process.execPath, ['echo.cjs'], { cwd: ours });
    expectText(text, 'same true', 'echo ok');
    return 'one class for require and import';
  });
  await checks.check('a program of ES modules runs', async () => {
    const text = await run(process.execPath, ['echo.mjs'], { cwd: ours });
    expectText(text, 'kernels wasm-simd', 'echo ok');
    return 'kernels wasm-simd';
  });
  await checks.check('a test in Jest passes', async () => {
    await run(process.execPath, ['node_modules/jest/bin/jest.js', '--rootDir', ours], { cwd: ours });
  });
  await checks.check('a bundle runs', async () => {
    const bundle = await rolldown({ input: path.join(ours, 'echo.mjs'), platform: 'node', cwd: ours });
    await bundle.write({ file: path.join(directory, 'bundle.mjs'), format: 'esm' });
    await bundle.close();
    expectText(await run(process.execPath, [path.join(directory, 'bundle.mjs')]), 'kernels wasm-simd', 'echo ok');
  });
  await checks.check('a bundle for browsers holds the codec and no Node', async () => {
    const bundle = await rolldown({ input: path.join(ours, 'codec.mjs'), platform: 'browser', cwd: ours });
    const { output } = await bundle.generate({ format: 'esm' });
    await bundle.close();
    const foreign = output.flatMap((chunk) => chunk.imports ?? []);
    if (foreign.length > 0) throw new Error(`imports ${foreign.join(', ')}`);
    return `${Math.round(output[0].code.length / 1024)} KiB unminified`;
  });
  await checks.check('the command runs', async () => {
    expectText(await run(path.join(ours, 'node_modules/.bin/wsimd'), ['--help']), 'conformance');
  });
} finally {
  await rm(directory, { recursive: true, force: true });
  checks.finish();
}
