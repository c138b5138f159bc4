// npm run test:nodes: the suite under other Node versions, which npm gets. More arguments go to vitest, e.g. a part of the suite.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const VERSIONS = ['22', '24', '26'];
const system = `${process.platform}-${process.arch}`;
const directory = mkdtempSync(join(tmpdir(), 'wsimd-nodes-'));
const failed = [];
try {
  for (const version of VERSIONS) {
    const home = join(directory, version);
    const wanted = `node-${system}@${version}`;
    const install = ['install', '--prefix', home, '--no-audit', '--no-fund', '--no-save', wanted];
    const got = spawnSync('npm', install, { stdio: ['ignore', 'ignore', 'inherit'] });
    if (got.status !== 0) throw new Error(`npm has no ${wanted}`);
    const node = join(home, 'node_modules', `node-${system}`, 'bin', 'node');
    console.log(`Node ${spawnSync(node, ['--version']).stdout.toString().trim()}`);
    const run = spawnSync(node, ['node_modules/vitest/vitest.mjs', 'run', ...process.argv.slice(2)], {
      stdio: 'inherit',
    });
    if (run.status !== 0) failed.push(version);
  }
} finally {
  rmSync(directory, { recursive: true });
}
if (failed.length > 0) console.error(`the suite fails on Node ${failed.join(', ')}`);
process.exit(failed.length > 0 ? 1 : 0);
