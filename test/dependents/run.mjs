// This program installs released packages that depend on `ws`, test runners and bundlers with the packed working tree in its place,
// runs a conversation through each, and proves that no copy of `ws` was installed or loaded.
// `node test/dependents/run.mjs --ws` does the same with ws itself: the proof that the scenarios are right.
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.join(here, '..', '..');
const real = process.argv.includes('--ws');
const expected = real ? 'ws' : 'wsimd';
// Installed or not, these packages must find the override: which version a dependent asks for is its own affair.
const WS_VERSION = '8.23.0';

/** The directories of all packages under `directory` whose package.json says that they are ws. */
async function copiesOfWs(directory) {
  const found = [];
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const inner = path.join(directory, entry.name);
    if (entry.name.startsWith('@') || entry.name === 'node_modules') {
      found.push(...(await copiesOfWs(inner)));
      continue;
    }
    const manifest = await readFile(path.join(inner, 'package.json'), 'utf8').catch(() => undefined);
    if (manifest !== undefined && JSON.parse(manifest).name === 'ws') found.push(inner);
    const nested = path.join(inner, 'node_modules');
    const exists = await readdir(nested).then(
      () => true,
      () => false,
    );
    if (exists) found.push(...(await copiesOfWs(nested)));
  }
  return found;
}

const directory = await mkdtemp(path.join(tmpdir(), 'wsimd-dependents-'));
let failures = 0;
try {
  const manifest = JSON.parse(await readFile(path.join(here, 'package.json'), 'utf8'));
  if (real) {
    manifest.overrides.ws = WS_VERSION;
  } else {
    const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', directory], {
      cwd: root,
    });
    await cp(path.join(directory, JSON.parse(stdout)[0].filename), path.join(directory, 'wsimd.tgz'));
  }
  await writeFile(path.join(directory, 'package.json'), JSON.stringify(manifest));
  await cp(path.join(here, 'scenarios'), path.join(directory, 'scenarios'), { recursive: true });
  await run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock'], { cwd: directory });

  const copies = await copiesOfWs(path.join(directory, 'node_modules'));
  if (!real && copies.length > 0) throw new Error(`ws is installed: ${copies.join(', ')}`);
  if (real && copies.length === 0) throw new Error('ws is not installed, though it was asked for');
  console.log(`installed: ${copies.length} copies of ws`);

  const scenarios = (await readdir(path.join(directory, 'scenarios'))).filter((name) => !name.startsWith('support'));
  for (const scenario of scenarios) {
    const name = path.basename(scenario, '.mjs');
    try {
      const { stdout } = await run(process.execPath, ['--throw-deprecation', path.join('scenarios', scenario)], {
        cwd: directory,
        timeout: 600_000,
        env: { ...process.env, EXPECTED_PACKAGE: expected },
      });
      console.log(`ok      ${name}: ${stdout.trim().replaceAll('\n', '; ')}`);
    } catch (error) {
      failures++;
      console.log(`FAILED  ${name} ${error.killed ? '(timed out)' : ''}\n${error.stdout}\n${error.stderr}`);
    }
  }
} finally {
  await rm(directory, { recursive: true, force: true });
}
if (failures > 0) process.exitCode = 1;
