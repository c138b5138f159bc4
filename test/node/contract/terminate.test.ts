/** The contract with `ws`: terminate(). */
import { expect, it } from 'vitest';
import { contract, ending, event, pair, rawClient, rawServer, recorder, turn } from './harness.js';

contract('terminate', (implementation) => {
  it('terminate(): destroys the socket, code 1006 and no error, on both sides', async () => {
    for (const { ws, peer } of [await rawClient(implementation), await rawServer(implementation)]) {
      const end = ending(ws);
      ws.terminate();
      expect(ws.readyState).toBe(ws.CLOSING);
      expect(ws._socket.destroyed).toBe(true);
      expect(await end).toEqual({ code: 1006, reason: '', error: undefined, errors: 0 });
      expect((await peer.readToEnd()).length).toBe(0);
    }
  });

  it("terminate(): 'close' comes asynchronously", async () => {
    const { client } = await pair(implementation);
    const log = recorder(client);
    client.terminate();
    expect(log).toEqual([]);
    await event(client, 'close');
    expect(log).toEqual(['close 1006']);
  });

  it('terminate(): does not wait for a close in progress', async () => {
    const { ws, peer } = await rawClient(implementation, { closeTimeout: 10_000 });
    const end = ending(ws);
    ws.close(1000);
    await peer.readClose();
    ws.terminate();
    expect((await end).code).toBe(1006);
  });

  it('terminate(): twice, and after close, does nothing more', async () => {
    const { client } = await pair(implementation);
    const log = recorder(client);
    client.terminate();
    client.terminate();
    await event(client, 'close');
    client.terminate();
    await turn();
    expect(log).toEqual(['close 1006']);
  });

  it('terminate(): the other side sees 1006', async () => {
    const { client, peer } = await pair(implementation);
    const end = ending(peer);
    client.terminate();
    expect((await end).code).toBe(1006);
  });

  it('terminate(): messages that were not parsed yet are not delivered when nothing is paused', async () => {
    const { ws, peer } = await rawClient(implementation);
    const log = recorder(ws);
    ws.on('message', () => ws.terminate());
    const closed = event(ws, 'close');
    peer.send({ payload: 'one' });
    await closed;
    peer.send({ payload: 'two' });
    await turn();
    expect(log).toEqual(['text one', 'close 1006']);
  });

  it('terminate(): clients leave wss.clients', async () => {
    const { server, peer } = await pair(implementation);
    peer.terminate();
    await event(peer, 'close');
    expect(server.clients.size).toBe(0);
  });
});
