// `wsimd proxy` run inside the test: its addresses, what it said, and how it ended.
import { PassThrough } from 'node:stream';
import { expect } from 'vitest';
import { proxy } from '../../src/cli/proxy/proxy.js';
import { sayingTerminal } from './terminal.js';

export interface Proxying {
  port: number;
  /** `ws://127.0.0.1:port`, or `wss:`. */
  url: string;
  /** The page; '' without one. */
  page: string;
  said: { out: string; err: string };
  keys: PassThrough;
  /** Ends it as Ctrl-C does; its exit status. */
  stop: () => Promise<number>;
  /** How it ended by itself. */
  status: Promise<number>;
}

/** Starts the proxy on a free port. */
export async function startProxying(target: string, args: string[] = [], listen: string = '0'): Promise<Proxying> {
  const controller = new AbortController();
  const { terminal, text } = sayingTerminal();
  const keys = new PassThrough();
  const status = proxy([listen, target, ...args], terminal, controller.signal, {
    keys,
    isTerminal: false,
    hasColours: false,
  });
  await Promise.race([status, expect.poll(() => text.err).toContain('Passing')]);
  const [, url, port] = /(wss?:\/\/127\.0\.0\.1:(\d+))/.exec(text.err)!;
  const stop = (): Promise<number> => {
    controller.abort();
    return status;
  };
  const page = /Page: (\S+)\./.exec(text.err)?.[1] ?? '';
  return { port: Number(port), url, page, said: text, keys, stop, status };
}
