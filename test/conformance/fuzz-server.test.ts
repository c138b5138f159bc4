import { expect, test } from 'vitest';
import { fuzzServer } from '../../src/conformance/fuzz/fuzz-server.js';
import { listenRaw, responseHead } from '../support/raw-peer.js';

test.each([
  [true, []],
  [false, ['The server died, and was not started again. It ended.']],
])(
  'interrupted %s: a search whose server does not start again tells why, unless it was interrupted',
  async (aborts, said) => {
    const controller = new AbortController();
    let count = 0;
    const { port, server, stop } = await listenRaw((peer, request) => {
      peer.write(responseHead(request));
      if (++count === 1) return;
      server.close();
      peer.socket.destroy();
    });
    const notes: string[] = [];
    const search = await fuzzServer({
      url: `ws://127.0.0.1:${port}`,
      seconds: 60,
      seed: 7,
      signal: controller.signal,
      onNote: (sentence) => void notes.push(sentence),
      restart: () => {
        if (aborts) controller.abort();
        return Promise.reject(new Error('It ended.'));
      },
    });
    stop();
    expect(notes).toEqual(said);
    expect(search.found?.place).toBe(0);
  },
);
