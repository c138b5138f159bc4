// `Proxy` stands between all processes and their engine, and cuts or stalls their connections, in the middle of a reply too.
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';

export class Proxy {
  #engine;
  #pairs = new Set();
  #server;

  constructor(engine) {
    this.#engine = engine;
  }

  /** @returns {Promise<{ port?: number, path?: string }>} where it listens: by the side of the engine */
  async listen({ isPath }) {
    const path = `${this.#engine.path}-proxy`;
    this.#server = createServer((near) => this.#join(near, isPath));
    this.#server.listen(isPath ? path : { port: 0, host: '127.0.0.1' });
    await once(this.#server, 'listening');
    return isPath ? { path } : { port: this.#server.address().port };
  }

  /** Ends every connection in the middle of the next chunk that the engine sends on it. */
  cut() {
    for (const pair of this.#pairs) pair.isCut = true;
  }

  stall() {
    for (const { near, far } of this.#pairs) for (const socket of [near, far]) socket.pause();
  }

  resume() {
    for (const { near, far } of this.#pairs) for (const socket of [near, far]) socket.resume();
  }

  end() {
    for (const { near, far } of this.#pairs) for (const socket of [near, far]) socket.destroy();
    this.#server.close();
    rmSync(`${this.#engine.path}-proxy`, { force: true });
  }

  #join(near, isPath) {
    const far = isPath ? connect(this.#engine.path) : connect(this.#engine.port, '127.0.0.1');
    const pair = { near, far, isCut: false };
    this.#pairs.add(pair);
    const end = () => {
      this.#pairs.delete(pair);
      near.destroy();
      far.destroy();
    };
    near.on('data', (chunk) => far.write(chunk));
    far.on('data', (chunk) => {
      if (!pair.isCut) return void near.write(chunk);
      near.end(chunk.subarray(0, chunk.length >> 1));
      end();
    });
    for (const socket of [near, far]) {
      socket.on('error', end);
      socket.on('close', end);
    }
  }
}
