/** The contract with `ws`: the closing handshake as the user starts it, and as the peer does. */
import { expect, it, vi } from 'vitest';
import { BAD_CODES, GOOD_CODES } from '../../support/close-codes.js';
import { closeCode } from '../../support/raw-peer.js';
import {
  connectingClient,
  contract,
  ending,
  event,
  message,
  pair,
  rawClient,
  rawServer,
  recorder,
  turn,
} from './harness.js';
import { ownedPairOfStreams } from './streams.js';

contract('close', (implementation) => {
  it('close(): without a code sends an empty Close, and 1005 is reported', async () => {
    const { ws, peer } = await rawClient(implementation);
    const end = ending(ws);
    ws.close();
    expect(await peer.readFrame()).toMatchObject({ opcode: 8, fin: true, payload: Buffer.alloc(0) });
    peer.close();
    expect(await end).toMatchObject({ code: 1005, reason: '', errors: 0 });
  });

  it('close(code, reason): puts both into the frame; a Buffer or Uint8Array is as good as a string', async () => {
    for (const reason of ['bye é', Buffer.from('bye é'), new Uint8Array(Buffer.from('bye é'))]) {
      const { ws, peer } = await rawClient(implementation);
      ws.close(3000, reason);
      expect(await peer.readClose()).toEqual({ code: 3000, reason: 'bye é' });
    }
  });

  it('close(code): a code that may be sent is taken', async () => {
    for (const code of GOOD_CODES) {
      const { ws, peer } = ownedPairOfStreams(implementation);
      ws.close(code);
      expect(await peer.readClose()).toEqual({ code, reason: '' });
    }
  });

  it('close(code): any other code throws TypeError and leaves the connection open', async () => {
    const { client, peer } = await pair(implementation);
    const error = new TypeError('First argument must be a valid error code number');
    for (const code of [...BAD_CODES, 65_536, -1, '1000', null, {}, true, Number.NaN, 1000.5 + 1000]) {
      expect(() => client.close(code), JSON.stringify(code)).toThrow(error);
    }
    expect(client.readyState).toBe(client.OPEN);
    client.send('still open');
    expect((await message(peer)).data.toString()).toBe('still open');
  });

  it('close(code, reason): more than 123 bytes throws RangeError, exactly 123 pass', async () => {
    const { ws, peer } = await rawClient(implementation);
    const error = new RangeError('The message must not be greater than 123 bytes');
    expect(() => ws.close(1000, 'a'.repeat(124))).toThrow(error);
    expect(() => ws.close(1000, 'é'.repeat(62))).toThrow(error);
    expect(() => ws.close(1000, Buffer.alloc(124))).toThrow(error);
    expect(ws.readyState).toBe(ws.OPEN);
    ws.close(1000, 'a'.repeat(123));
    expect((await peer.readClose()).reason).toBe('a'.repeat(123));
  });

  it('close(code, reason): the code is judged first, and a reason of a wrong type as Node does it', async () => {
    const { client } = await pair(implementation);
    const wrong = 'The "string" argument must be of type string or an instance of Buffer or ArrayBuffer. Received';
    for (const [code, reason, message] of [
      [1005, [1], 'First argument must be a valid error code number'],
      [1000, [1, 2], `${wrong} an instance of Array`],
      [1000, new String('text'), `${wrong} an instance of String`],
      [1000, new Uint16Array(2), 'Second argument must be a string or a Uint8Array'],
      [1000, null, "Cannot read properties of null (reading 'length')"],
    ] as const) {
      expect(() => client.close(code, reason)).toThrow(message);
    }
    expect(client.readyState).toBe(1);
  });

  it('close(code, reason): what is neither string nor Uint8Array throws TypeError and leaves the connection open', async () => {
    const { client } = await pair(implementation);
    for (const reason of [new Float32Array(4), new Uint16Array(2), [1, 2], { length: 2 }]) {
      expect(() => client.close(1000, reason)).toThrow(TypeError);
    }
    expect(client.readyState).toBe(client.OPEN);
  });

  it('close(code, undefined or empty): sends the code alone', async () => {
    for (const reason of [undefined, '', Buffer.alloc(0)]) {
      const { ws, peer } = ownedPairOfStreams(implementation);
      ws.close(1000, reason);
      expect((await peer.readFrame()).payload).toEqual(closeCode(1000));
    }
  });

  it('close(): readyState is CLOSING after it, and a second call does nothing', async () => {
    const { ws, peer } = await rawClient(implementation);
    ws.close(1000);
    expect(ws.readyState).toBe(ws.CLOSING);
    ws.close(1001);
    ws.close();
    expect(await peer.readClose()).toEqual({ code: 1000, reason: '' });
    peer.close(1000);
    expect(await peer.readFramesToEnd()).toEqual([]);
  });

  it("close(): 'close' reports the peer's code and reason, not ours", async () => {
    const { ws, peer } = await rawClient(implementation);
    const closed = event<[number, Buffer]>(ws, 'close');
    ws.close(1000, 'ours');
    await peer.readFrame();
    peer.close(4321, 'theirs');
    const [code, reason] = await closed;
    expect(code).toBe(4321);
    expect(Buffer.isBuffer(reason)).toBe(true);
    expect(reason.toString()).toBe('theirs');
  });

  it('close(): after CLOSED does nothing', async () => {
    const { client } = await pair(implementation);
    client.close();
    await event(client, 'close');
    client.on('close', () => expect.unreachable());
    client.close(1000);
    client.close('even wrong arguments');
    client.terminate();
    expect(client.readyState).toBe(client.CLOSED);
    await turn();
  });

  it("peer's Close: its code and reason are echoed", async () => {
    for (const [code, reason] of [
      [1000, ''],
      [1001, 'going away'],
      [4999, 'x'.repeat(123)],
    ] as const) {
      const { ws, peer } = await rawClient(implementation);
      const end = ending(ws);
      peer.close(code, reason);
      expect(await peer.readClose()).toEqual({ code, reason });
      expect(await end).toEqual({ code, reason, error: undefined, errors: 0 });
    }
  });

  it("peer's Close: without a code is echoed empty and reported as 1005", async () => {
    for (const { ws, peer } of [await rawClient(implementation), await rawServer(implementation)]) {
      const end = ending(ws);
      peer.close();
      expect(await peer.readFrame()).toMatchObject({ opcode: 8, payload: Buffer.alloc(0) });
      expect(await end).toMatchObject({ code: 1005, reason: '', errors: 0 });
    }
  });

  it("peer's Close: every good code is reported as it is", async () => {
    for (const code of GOOD_CODES) {
      const { ws, peer } = ownedPairOfStreams(implementation);
      const end = ending(ws);
      peer.close(code);
      expect((await peer.readClose()).code).toBe(code);
      expect((await end).code).toBe(code);
    }
  });

  it('TCP: whichever side has sent and received a Close ends its half, both roles alike', async () => {
    for (const { ws, peer } of [
      await rawClient(implementation, {}, { endWithPeer: false }),
      await rawServer(implementation, {}, { endWithPeer: false }),
    ]) {
      const end = ending(ws);
      peer.close(1000);
      await peer.readClose();
      await peer.ended;
      peer.socket.end();
      expect((await end).code).toBe(1000);
    }
  });

  it('TCP: a side that has only sent a Close does not end its half', async () => {
    const { ws, peer } = await rawClient(implementation, { closeTimeout: 10_000 });
    ws.close(1000);
    await peer.readClose();
    const ended = vi.fn();
    void peer.ended.then(ended);
    await turn();
    peer.send({ opcode: 9 });
    await event(ws, 'ping');
    expect(ended).not.toHaveBeenCalled();
    peer.close(1000);
    await peer.ended;
  });

  it('messages: that come after close() and before the peer’s Close are delivered', async () => {
    const { ws, peer } = await rawClient(implementation);
    const log = recorder(ws);
    const closed = event(ws, 'close');
    ws.close(1000);
    await peer.readClose();
    peer.send({ payload: 'late 1' }, { opcode: 2, payload: 'late 2' }, { opcode: 10, payload: 'late 3' });
    peer.close(1000);
    await closed;
    expect(log).toEqual(['text late 1', 'binary late 2', 'pong late 3', 'close 1000']);
  });

  it("messages: in one chunk with the Close come before 'close', what follows the Close is dropped", async () => {
    const { ws, peer } = await rawClient(implementation);
    const log = recorder(ws);
    const closed = event(ws, 'close');
    peer.send({ payload: 'before' }, { opcode: 8, payload: closeCode(1000) }, { payload: 'after' }, { opcode: 3 });
    await closed;
    expect(log).toEqual(['text before', 'close 1000']);
  });

  it('messages: sent before close() arrive before the Close', async () => {
    const { ws, peer } = await rawClient(implementation);
    for (let i = 0; i < 5; i++) ws.send(`message ${i}`);
    ws.send(Buffer.alloc(100_000));
    ws.close(1000);
    const opcodes = [];
    for (let i = 0; i < 7; i++) opcodes.push((await peer.readFrame()).opcode);
    expect(opcodes).toEqual([1, 1, 1, 1, 1, 2, 8]);
  });

  it('send() in CLOSING: puts nothing on the wire', async () => {
    const { ws, peer } = await rawClient(implementation);
    ws.close(1000);
    ws.send('late');
    ws.ping('late');
    expect((await peer.readFrame()).opcode).toBe(8);
    peer.close(1000);
    expect(await peer.readFramesToEnd()).toEqual([]);
  });

  it("both sides at once: each gets the other's code", async () => {
    const { client, peer } = await pair(implementation);
    const ends = [ending(client), ending(peer)];
    client.close(4001);
    peer.close(4002);
    expect((await Promise.all(ends)).map(({ code }) => code)).toEqual([4002, 4001]);
  });

  it("socket ends without a Close: 'close' is 1006, without an error", async () => {
    for (const { ws, peer } of [await rawClient(implementation), await rawServer(implementation)]) {
      const end = ending(ws);
      peer.socket.end();
      expect(await end).toEqual({ code: 1006, reason: '', error: undefined, errors: 0 });
      expect(ws.readyState).toBe(3);
    }
  });

  it("socket ends within a frame: 'close' is 1006, and no part of the message comes", async () => {
    const { ws, peer } = await rawClient(implementation);
    const log = recorder(ws);
    const closed = event(ws, 'close');
    peer.write(peer.encode({ payload: 'whole' }));
    peer.write(peer.encode({ payload: 'part', announce: 100 }));
    peer.socket.end();
    await closed;
    expect(log).toEqual(['text whole', 'close 1006']);
  });

  it("socket reset: 'close' is 1006, without an error event", async () => {
    const { ws, peer } = await rawClient(implementation);
    const end = ending(ws);
    peer.reset();
    expect(await end).toEqual({ code: 1006, reason: '', error: undefined, errors: 0 });
  });

  it("'close': comes exactly once, readyState is CLOSED in it", async () => {
    const { client } = await pair(implementation);
    const states: number[] = [];
    client.on('close', () => states.push(client.readyState));
    client.close();
    await event(client, 'close');
    client.terminate();
    await turn();
    expect(states).toEqual([3]);
  });

  it('closeTimeout: a peer that answers in time cancels the timer', async () => {
    const { ws, peer } = await rawClient(implementation, { closeTimeout: 200 });
    const end = ending(ws);
    ws.close(1000);
    await peer.readClose();
    peer.close(1000);
    expect((await end).code).toBe(1000);
  });

  it('closeTimeout: starts with the Close that answers the peer, too', async () => {
    const { ws, peer } = await rawClient(implementation, { closeTimeout: 100 }, { endWithPeer: false });
    const end = ending(ws);
    peer.close(1000);
    await peer.readClose();
    await peer.ended;
    // The peer never ends its half: only the timer can.
    expect((await end).code).toBe(1000);
  });

  it('close(): in CONNECTING aborts, see client handshake failures; here that it does not throw', () => {
    const ws = connectingClient(implementation);
    ws.close(1000);
    expect(ws.readyState).toBe(ws.CLOSING);
  });

  it('reason: invalid UTF-8 in the peer’s Close fails with 1007', async () => {
    const { ws, peer } = await rawClient(implementation);
    const end = ending(ws);
    peer.send({ opcode: 8, payload: Buffer.from([0x03, 0xe8, 0xff]) });
    expect((await peer.readClose()).code).toBe(1007);
    expect(await end).toMatchObject({ code: 1006, error: { code: 'WS_ERR_INVALID_UTF8' } });
  });

  it('Close frame over several packets: is understood', async () => {
    const { ws, peer } = await rawClient(implementation);
    const end = ending(ws);
    for (const octet of peer.encode({ opcode: 8, payload: Buffer.concat([closeCode(1001), Buffer.from('slow')]) })) {
      peer.write(Buffer.of(octet));
      await turn();
    }
    expect(await end).toMatchObject({ code: 1001, reason: 'slow' });
  });
});
