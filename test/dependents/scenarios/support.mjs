// What every scenario needs: events as promises, and the proof of which package answered to the name `ws`.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

export const require = createRequire(import.meta.url);

/** The next `name` event's arguments. */
export function event(emitter, name) {
  return new Promise((resolve) => {
    emitter.once(name, (...args) => resolve(args));
  });
}

export function listening(server) {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(server.address().port));
  });
}

/** Waits until `holds` is true, for what no event tells; after 10 s an error shows the condition. */
export async function until(holds) {
  const end = Date.now() + 10_000;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`never: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** The text of a message that came in one piece. */
export function textOf(data) {
  return Buffer.from(data).toString();
}

export function packageOf(file) {
  for (let directory = path.dirname(file); ; directory = path.dirname(directory)) {
    try {
      const { name } = JSON.parse(readFileSync(path.join(directory, 'package.json'), 'utf8'));
      if (name !== undefined) return name;
    } catch {
      // No package.json here: it is further up.
    }
    assert.notEqual(directory, path.dirname(directory), `${file} belongs to no package`);
  }
}

/**
 * Asserts that what `dependents` find under the name `ws` is the expected package, and that of all modules loaded none
 * is of the other one. Ends the process, so that a leaked handle cannot hide behind a passed scenario.
 */
export function finish(text, dependents) {
  const expected = process.env.EXPECTED_PACKAGE;
  for (const dependent of dependents) {
    const from = createRequire(require.resolve(dependent));
    assert.equal(packageOf(from.resolve('ws')), expected, `what ${dependent} finds as ws`);
  }
  const loaded = new Set(
    Object.keys(require.cache)
      .filter((file) => path.isAbsolute(file))
      .map(packageOf),
  );
  if (dependents.length > 0) assert.ok(loaded.has(expected), `${expected} is among the loaded packages`);
  assert.ok(!loaded.has(expected === 'ws' ? 'wsimd' : 'ws'), 'the other package is not loaded');
  console.log(text);
  process.exit();
}
