/** The contract with `ws`: what 'message' and onmessage give, for each binaryType. */
import { expect, it } from 'vitest';
import { contract, event, message, pair, rawClient } from './harness.js';
import type { Client, ListenerEvent } from './implementations.js';

function eventData(ws: Client): Promise<unknown> {
  return new Promise((resolve) => {
    ws.addEventListener('message', (given: ListenerEvent) => resolve(given.data), { once: true });
  });
}

contract('binary types', (implementation) => {
  it('nodebuffer: binary is a Buffer', async () => {
    const { ws, peer } = await rawClient(implementation);
    const got = message(ws);
    peer.send({ opcode: 2, payload: 'bytes' });
    const { data, isBinary } = await got;
    expect(Buffer.isBuffer(data)).toBe(true);
    expect([data.toString(), isBinary]).toEqual(['bytes', true]);
  });

  it('nodebuffer: an empty message is an empty Buffer', async () => {
    const { ws, peer } = await rawClient(implementation);
    for (const opcode of [1, 2]) {
      const got = message(ws);
      peer.send({ opcode });
      const { data, isBinary } = await got;
      expect(Buffer.isBuffer(data) && data.length === 0).toBe(true);
      expect(isBinary).toBe(opcode === 2);
    }
  });

  it('arraybuffer: is an ArrayBuffer of exactly the size of the message, whole or in fragments', async () => {
    const { ws, peer } = await rawClient(implementation);
    ws.binaryType = 'arraybuffer';
    for (const frames of [
      [{ opcode: 2, payload: 'exact' }],
      [
        { opcode: 2, fin: false, payload: 'ex' },
        { opcode: 0, payload: 'act' },
      ],
    ]) {
      const got = message(ws);
      peer.send(...frames);
      const data = (await got).data as unknown as ArrayBuffer;
      expect(data).toBeInstanceOf(ArrayBuffer);
      expect(data.byteLength).toBe(5);
      expect(Buffer.from(data).toString()).toBe('exact');
    }
    const empty = message(ws);
    peer.send({ opcode: 2 });
    expect(((await empty).data as unknown as ArrayBuffer).byteLength).toBe(0);
  });

  it('fragments: is an array of Buffers, one for each non-empty frame', async () => {
    const { ws, peer } = await rawClient(implementation);
    ws.binaryType = 'fragments';
    const got = message(ws);
    peer.send(
      { opcode: 2, fin: false, payload: 'one' },
      { opcode: 0, fin: false },
      { opcode: 0, fin: false, payload: 'two' },
      { opcode: 0, payload: 'three' },
    );
    const list = (await got).data as unknown as Buffer[];
    expect(Array.isArray(list)).toBe(true);
    expect(list.every((part) => Buffer.isBuffer(part))).toBe(true);
    expect(list.map((part) => part.toString())).toEqual(['one', 'two', 'three']);
    const single = message(ws);
    peer.send({ opcode: 2, payload: 'single' });
    expect(((await single).data as unknown as Buffer[]).map(String)).toEqual(['single']);
    const empty = message(ws);
    peer.send({ opcode: 2 });
    expect((await empty).data).toEqual([]);
  });

  it('blob: is a Blob with the bytes of the message', async () => {
    const { ws, peer } = await rawClient(implementation);
    ws.binaryType = 'blob';
    const got = message(ws);
    peer.send({ opcode: 2, fin: false, payload: 'in ' }, { opcode: 0, payload: 'a blob' });
    const { data, isBinary } = await got;
    const blob = data as unknown as Blob;
    expect(blob).toBeInstanceOf(Blob);
    expect(isBinary).toBe(true);
    expect(blob.size).toBe(9);
    expect(await blob.text()).toBe('in a blob');
  });

  for (const binaryType of ['nodebuffer', 'arraybuffer', 'fragments', 'blob']) {
    it(`${binaryType}: text is a Buffer for 'message' listeners and a string for onmessage`, async () => {
      const { ws, peer } = await rawClient(implementation);
      ws.binaryType = binaryType;
      const got = message(ws);
      const seen = eventData(ws);
      peer.send({ payload: 'text é' });
      const { data, isBinary } = await got;
      expect(Buffer.isBuffer(data)).toBe(true);
      expect([data.toString(), isBinary]).toEqual(['text é', false]);
      expect(await seen).toBe('text é');
    });

    it(`${binaryType}: onmessage gets binary in the same shape as 'message' listeners`, async () => {
      const { ws, peer } = await rawClient(implementation);
      ws.binaryType = binaryType;
      const got = message(ws);
      const seen = eventData(ws);
      peer.send({ opcode: 2, payload: 'bytes' });
      expect(await seen).toBe((await got).data);
    });
  }

  it('change at any time: the next message uses it, also in the handler of the one before', async () => {
    const { ws, peer } = await rawClient(implementation);
    const kinds: string[] = [];
    const done = new Promise<void>((resolve) => {
      ws.on('message', (data: unknown) => {
        kinds.push(Object.prototype.toString.call(data));
        const next = ['arraybuffer', 'fragments', 'nodebuffer'][kinds.length - 1];
        if (next) ws.binaryType = next;
        if (kinds.length === 4) resolve();
      });
    });
    peer.send(...Array.from({ length: 4 }, () => ({ opcode: 2, payload: 'x' })));
    await done;
    expect(kinds).toEqual(['[object Uint8Array]', '[object ArrayBuffer]', '[object Array]', '[object Uint8Array]']);
  });

  it('set before open: holds from the first message on', async () => {
    const { client, peer } = await pair(implementation);
    client.binaryType = 'arraybuffer';
    const got = event(client, 'message');
    peer.send(Buffer.from('x'));
    expect((await got)[0]).toBeInstanceOf(ArrayBuffer);
  });

  it('all kinds, compressed: have the same shapes', async () => {
    const { client, peer } = await pair(implementation, { server: { perMessageDeflate: true } });
    const payload = Buffer.alloc(3000, 'compressible ');
    for (const [binaryType, check] of [
      ['nodebuffer', (data: unknown) => Buffer.isBuffer(data) && data.equals(payload)],
      ['arraybuffer', (data: unknown) => data instanceof ArrayBuffer && Buffer.from(data).equals(payload)],
      ['fragments', (data: unknown) => Array.isArray(data) && Buffer.concat(data as Buffer[]).equals(payload)],
      ['blob', (data: unknown) => data instanceof Blob && data.size === payload.length],
    ] as const) {
      client.binaryType = binaryType;
      const got = event(client, 'message');
      peer.send(payload);
      expect(check((await got)[0]), binaryType).toBe(true);
    }
  });
});
