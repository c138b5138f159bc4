// The README's ways to put this package in the place of `ws`, each with npm, pnpm and yarn: a package with `ws` as its peer and one with
// `ws` as its dependency get the class that the project has, although the registry has `ws`. Prints a line for each.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Checks, expectText, install, pack, ROOT, run } from '../consumer/support.mjs';
import { serveRegistry } from './registry.mjs';

const ALIAS = 'npm:wsimd@^8.23';
const TOOLS = { pnpm: '10', yarn: '1', '@yarnpkg/cli-dist': '4' };

const directory = await mkdtemp(path.join(tmpdir(), 'wsimd-substitution-'));
const checks = new Checks();

/** A package of one file that says which class `ws` is for it. */
async function makePackage(name, fields) {
  const manifest = { name, version: '1.0.0', main: 'index.js', ...fields };
  const place = path.join(directory, 'sources', name);
  await mkdir(place, { recursive: true });
  await writeFile(path.join(place, 'package.json'), JSON.stringify(manifest));
  await writeFile(path.join(place, 'index.js'), "module.exports = require('ws');\n");
  const [{ filename }] = JSON.parse(
    await run('npm', ['pack', '--json', '--pack-destination', directory], { cwd: place }),
  );
  return { manifest, tarball: path.join(directory, filename) };
}

const PROGRAM = `
const peer = require('peer-of-ws');
const dependent = require('dependent-on-ws');
const own = $OWN;
if (peer !== own || dependent !== own) throw new Error('more than one class');
const server = new own.Server({ port: 0 }, () => {
  const client = new peer('ws://127.0.0.1:' + server.address().port);
  client.on('open', () => client.close());
  client.on('close', () => server.close(() => console.log('one class, ' + require('ws/package.json').name)));
});
`;

try {
  const tarball = await pack(directory);
  const manifest = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8'));
  delete manifest.devDependencies;
  delete manifest.scripts;
  const peer = await makePackage('peer-of-ws', { peerDependencies: { ws: '^8.0.0' } });
  const ws = await makePackage('ws', { version: '8.99.0' });
  const dependent = await makePackage('dependent-on-ws', { dependencies: { ws: '^8.0.0' } });
  const tools = path.join(directory, 'tools');
  await checks.check('pnpm and yarn install', () => install(tools, TOOLS));
  const bin = (name) => path.join(tools, 'node_modules', name);
  const workspaceFile = `overrides:\n  ws: ${ALIAS}\n`;
  const resolutions = { ws: ALIAS };
  const npm = ['npm', 'install', '--no-audit', '--no-fund', '--ignore-scripts'];
  const pnpm = [process.execPath, path.join(bin('pnpm'), 'bin/pnpm.cjs'), 'install', '--strict-peer-dependencies'];
  const yarn1 = [process.execPath, path.join(bin('yarn'), 'bin/yarn.js'), 'install', '--no-progress'];
  const yarn4 = [process.execPath, path.join(bin('@yarnpkg/cli-dist'), 'bin/yarn.js'), 'install'];
  const others = { 'peer-of-ws': '^1.0.0', 'dependent-on-ws': '^1.0.0' };
  const aliased = { dependencies: { ...others, ws: ALIAS } };

  const ways = [
    { name: 'npm: an alias alone', command: npm, fields: aliased },
    { name: 'npm: an alias with overrides', command: npm, fields: { ...aliased, overrides: { ws: '$ws' } } },
    { name: 'npm: overrides alone', command: npm, fields: { dependencies: others, overrides: { ws: ALIAS } } },
    { name: 'pnpm 10: an alias with overrides', command: pnpm, fields: aliased },
    { name: 'yarn 1: an alias with resolutions', command: yarn1, fields: { ...aliased, resolutions } },
    { name: 'yarn 4: an alias with resolutions', command: yarn4, fields: { ...aliased, resolutions } },
  ];
  for (const [index, { name, command, fields }] of ways.entries()) {
    await checks.check(name, async () => {
      const registry = await serveRegistry([{ manifest, tarball }, peer, dependent, ws]);
      const place = path.join(directory, `project-${index}`);
      try {
        await mkdir(place);
        await writeFile(
          path.join(place, 'package.json'),
          JSON.stringify({ name: 'project', private: true, ...fields }),
        );
        await writeFile(path.join(place, '.npmrc'), `registry=${registry.url}\ncache=${path.join(place, 'cache')}\n`);
        const yarnrc = [
          `npmRegistryServer: ${JSON.stringify(registry.url)}`,
          'unsafeHttpWhitelist: ["127.0.0.1"]',
          'nodeLinker: node-modules',
          'enableTelemetry: false',
          'npmMinimalAgeGate: 0',
          `globalFolder: ${JSON.stringify(path.join(place, 'yarn'))}`,
        ];
        await writeFile(path.join(place, '.yarnrc.yml'), `${yarnrc.join('\n')}\n`);
        await writeFile(path.join(place, 'yarn.lock'), '');
        await writeFile(path.join(place, 'pnpm-workspace.yaml'), workspaceFile);
        const env = {
          ...process.env,
          npm_config_registry: registry.url,
          npm_config_cache: path.join(place, 'cache'),
          npm_config_store_dir: path.join(place, 'store'),
          YARN_REGISTRY: registry.url,
          YARN_CACHE_FOLDER: path.join(place, 'yarn-cache'),
          YARN_ENABLE_IMMUTABLE_INSTALLS: 'false',
        };
        await run(command[0], command.slice(1), { cwd: place, env });
        const own = fields.dependencies.ws === undefined ? 'peer' : "require('ws')";
        const program = PROGRAM.replace('$OWN', own);
        await writeFile(path.join(place, 'program.cjs'), program);
        expectText(await run(process.execPath, ['program.cjs'], { cwd: place }), 'one class, wsimd');
        if (registry.taken.has('ws')) throw new Error('ws was installed');
      } finally {
        registry.close();
        await rm(place, { recursive: true, force: true });
      }
    });
  }
} finally {
  await rm(directory, { recursive: true, force: true });
  checks.finish();
}
