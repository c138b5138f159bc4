// What check-package and check-runtimes share: a tarball of this package as a consumer gets it, commands that are run with it,
// and the count of what held.
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** The root of the repository. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Runs a command to its end, at most three minutes.
 * @returns what it wrote to stdout
 * @throws Error with all it wrote, when it fails
 */
export async function run(command, args, options = {}) {
  try {
    const { stdout } = await execute(command, args, { timeout: 180_000, maxBuffer: 1 << 26, ...options });
    return stdout;
  } catch (error) {
    throw new Error(`${path.basename(command)} failed: ${error.message}\n${error.stdout ?? ''}${error.stderr ?? ''}`, {
      cause: error,
    });
  }
}

/** @throws Error with all of `text`, unless each of `parts` is in it */
export function expectText(text, ...parts) {
  const missing = parts.filter((part) => !text.includes(part));
  if (missing.length > 0) throw new Error(`not printed: ${missing.join(', ')}\n${text}`);
}

/** Packs what has been built into `directory`/wsimd.tgz. */
export async function pack(directory) {
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', directory];
  const [{ filename }] = JSON.parse(await run('npm', args, { cwd: ROOT }));
  return path.join(directory, filename);
}

/** Makes `directory` a project that has `dependencies` installed. */
export async function install(directory, dependencies, manifest = {}) {
  await mkdir(directory, { recursive: true });
  await writeFile(path.join(directory, 'package.json'), JSON.stringify({ private: true, ...manifest, dependencies }));
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', '--prefer-offline'];
  await run('npm', ['install', ...flags], { cwd: directory, timeout: 600_000 });
}

/** Runs checks, prints a line for each, and in the end how many held. */
export class Checks {
  #passed = 0;
  #failed = 0;

  /** @param check throws when it does not hold; what it returns is printed beside the name */
  async check(name, check) {
    const start = performance.now();
    try {
      const detail = await check();
      this.#passed++;
      console.log(`ok    ${name}${detail ? `: ${detail}` : ''} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
    } catch (error) {
      this.#failed++;
      console.log(`FAIL  ${name}\n${error.message.trim().replaceAll(/^/gm, '      ')}`);
    }
  }

  /** Prints the counts, and makes the process fail if a check did. */
  finish() {
    console.log(`${this.#passed} passed, ${this.#failed} failed`);
    if (this.#failed > 0) process.exitCode = 1;
  }
}
