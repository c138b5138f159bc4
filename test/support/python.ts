// The system's Python, with the WebSocket libraries that its packages bring.
import { spawnSync } from 'node:child_process';

/** Debian's own Python, which sees the libraries of Debian's packages. */
export const PYTHON = '/usr/bin/python3';

/** Whether Python can import this module; where it cannot, says so. */
export function hasPython(module: string): boolean {
  const { status } = spawnSync(PYTHON, ['-c', `import ${module}`]);
  if (status === 0) return true;
  console.log(`not run: Python has no ${module} here (Debian package python3-${module})`);
  return false;
}
