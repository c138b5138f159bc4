// `startExample` runs a program of examples/ on the built package, and reads what it prints.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = new URL('../../', import.meta.url);

export interface Example {
  /** Waits until the text that it printed matches. */
  says(pattern: RegExp): Promise<RegExpExecArray>;
  /** Its exit status, once it has ended. */
  readonly ended: Promise<number | null>;
  /** All that it has printed. */
  readonly said: string;
  /** Ends it as a service manager would. */
  end(): Promise<number | null>;
}

/** Starts `node examples/<name>`; without a build, says so and returns undefined. */
export function startExample(name: string, ...args: string[]): Example | undefined {
  if (!existsSync(new URL('dist/index.js', ROOT))) {
    console.log('not run: dist/ is not built');
    return undefined;
  }
  const child = spawn(process.execPath, [fileURLToPath(new URL(`examples/${name}`, ROOT)), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = once(child, 'close').then(([status]) => status as number | null);
  return {
    async says(pattern) {
      for (;;) {
        const match = pattern.exec(said);
        if (match !== null) return match;
        if (child.exitCode !== null) throw new Error(`${name} has ended, having said: ${said}`);
        await Promise.race([once(child.stdout, 'data'), ended]);
      }
    },
    ended,
    get said() {
      return said;
    },
    end() {
      child.kill('SIGTERM');
      return ended;
    },
  };
}
