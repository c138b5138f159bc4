// `wsimd serve` run inside the test: its addresses, what it said, and how it ended.
import { serve } from '../../src/cli/serve.js';

/** The server while it runs. */
export interface Serving {
  /** `ws://127.0.0.1:port/`, or `wss:` with a certificate. */
  ws: string;
  /** `http://127.0.0.1:port/`, or `https:`. */
  http: string;
  port: number;
  /** The line that it printed. */
  line: string;
  /** Ends it as Ctrl-C does; its exit status. */
  stop(): Promise<number>;
}

/** Starts the server on a free port. */
export async function startServing(args: string[] = []): Promise<Serving> {
  const controller = new AbortController();
  let status: Promise<number>;
  const line = await new Promise<string>((resolve, reject) => {
    const terminal = { out: resolve, err: resolve, columns: undefined };
    status = serve(['--port', '0', ...args], terminal, controller.signal);
    status.catch(reject);
  });
  const port = Number(/wss?:\/\/127\.0\.0\.1:(\d+)\//.exec(line)?.[1]);
  const stop = (): Promise<number> => {
    controller.abort();
    return status;
  };
  const s = line.includes('wss://') ? 's' : '';
  return { ws: `ws${s}://127.0.0.1:${port}/`, http: `http${s}://127.0.0.1:${port}/`, port, line, stop };
}
