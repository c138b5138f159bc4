// wslay, the C library of Debian's libwslay-dev, compiled at -O3 -> a walker over streams of frames, timed by itself.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Compiles bench/wslay/records.c.
 * @returns {{ walk: (level: 'frame' | 'message' | 'event', stream: object, passes: number) => number, remove: () => void } | { reason: string }} `walk` gives
 *   nanoseconds of processor time per frame
 */
export function compileWslay() {
  const directory = mkdtempSync(join(tmpdir(), 'wsimd-bench-wslay-'));
  const remove = () => rmSync(directory, { recursive: true });
  const program = join(directory, 'records');
  const source = fileURLToPath(new URL('../wslay/records.c', import.meta.url));
  try {
    execFileSync('cc', ['-O3', '-o', program, source, '-lwslay'], { stdio: 'pipe' });
  } catch {
    remove();
    return { reason: "wslay left out: a C compiler (cc) or Debian's libwslay-dev is missing" };
  }
  const file = join(directory, 'frames');
  return {
    walk(level, { all, messages }, passes) {
      writeFileSync(file, all);
      const printed = execFileSync(program, [level, file, String(messages), String(passes)], { encoding: 'utf8' });
      return Number(printed.split(' ')[0]);
    },
    remove,
  };
}
