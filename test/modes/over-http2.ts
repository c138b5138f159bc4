// Has each test of the contract that is listed as not kept over HTTP/2 fail, so that the list says no more than is true.
import path from 'node:path';
import { afterAll, beforeEach } from 'vitest';
import { NOT_OVER_HTTP2 } from '../node/contract/over-http2.js';

/** The names of this file's list that no test has had yet. */
let left: Set<string> | undefined;

beforeEach(({ task }) => {
  left ??= new Set(Object.keys(NOT_OVER_HTTP2[path.basename(task.file.name, '.test.ts')] ?? {}));
  if (left.delete(task.name)) Object.assign(task, { fails: true });
});

afterAll(() => {
  if (left !== undefined && left.size > 0) throw new Error(`no test has these names: ${[...left].join('; ')}`);
});
