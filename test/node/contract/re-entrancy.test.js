/** send, ping, close, terminate, pause and listener changes inside every handler: nothing is lost, doubled or thrown. */
import { expect, it, vi } from 'vitest';
import { closeCode } from '../../support/raw-peer.js';
import { contract, dial, ending, event, listen, pair, rawClient, recorder, turn } from './harness.js';
const TRIGGERS = [
    { name: 'message', frame: { payload: 'm' } },
    { name: 'ping', frame: { opcode: 9, payload: 'i' } },
    { name: 'pong', frame: { opcode: 10, payload: 'o' } },
];
const ACTIONS = [
    { name: 'close(4000)', act: (ws) => ws.close(4000), code: 1000 },
    { name: 'close() twice', act: (ws) => (ws.close(4000), ws.close(4001)), code: 1000 },
    { name: 'send() then close(4000)', act: (ws) => (ws.send('s'), ws.close(4000)), code: 1000 },
    { name: 'terminate()', act: (ws) => ws.terminate(), code: 1006 },
    { name: 'close() then terminate()', act: (ws) => (ws.close(4000), ws.terminate()), code: 1006 },
    { name: 'terminate() then close()', act: (ws) => (ws.terminate(), ws.close(4000)), code: 1006 },
    { name: 'terminate() then send()', act: (ws) => (ws.terminate(), ws.send('s', () => { })), code: 1006 },
    { name: '_socket.destroy()', act: (ws) => ws._socket.destroy(), code: 1006 },
];
contract('re-entrancy', (implementation) => {
    for (const trigger of TRIGGERS) {
        for (const action of ACTIONS) {
            it(`${action.name} in '${trigger.name}': gives one 'close' and no error`, async () => {
                const { ws, peer } = await rawClient(implementation);
                const closes = vi.fn();
                ws.on('close', closes);
                const end = ending(ws);
                ws.once(trigger.name, () => action.act(ws));
                peer.send(trigger.frame);
                if (action.code === 1000) {
                    expect((await peer.readClose()).code).toBe(4000);
                    peer.close(1000);
                }
                expect(await end).toMatchObject({ code: action.code, errors: 0 });
                await turn();
                expect(closes).toHaveBeenCalledTimes(1);
                expect(ws.readyState).toBe(3);
            });
        }
        it(`send() in '${trigger.name}': of every frame of a chunk leaves in order`, async () => {
            const { ws, peer } = await rawClient(implementation, { autoPong: false });
            let count = 0;
            ws.on(trigger.name, () => ws.send(`answer ${count++}`));
            peer.send(...Array.from({ length: 20 }, () => trigger.frame));
            const answers = [];
            for (let i = 0; i < 20; i++)
                answers.push((await peer.readFrame()).payload.toString());
            expect(answers).toEqual(Array.from({ length: 20 }, (_, i) => `answer ${i}`));
        });
        it(`close() in the first '${trigger.name}' of a chunk: the rest of the chunk is still delivered`, async () => {
            const { ws, peer } = await rawClient(implementation);
            const log = recorder(ws);
            ws.once(trigger.name, () => ws.close(4000));
            const closed = event(ws, 'close');
            peer.send(trigger.frame, { payload: 'second' }, { opcode: 2, payload: 'third' });
            expect((await peer.readClose()).code).toBe(4000);
            peer.close(1000);
            await closed;
            expect(log.slice(1)).toEqual(['text second', 'binary third', 'close 1000']);
        });
        it(`adding and removing listeners in '${trigger.name}': take effect with the next frame`, async () => {
            const { ws, peer } = await rawClient(implementation);
            const log = [];
            const second = (data) => void log.push(`second ${data.toString()}`);
            const first = (data) => {
                log.push(`first ${data.toString()}`);
                ws.removeListener(trigger.name, first);
                ws.on(trigger.name, second);
            };
            ws.on(trigger.name, first);
            const closed = event(ws, 'close');
            peer.send({ ...trigger.frame, payload: '1' }, { ...trigger.frame, payload: '2' }, { ...trigger.frame, payload: '3' }, { opcode: 8 });
            await closed;
            expect(log).toEqual(['first 1', 'second 2', 'second 3']);
        });
    }
    it("'message': a handler that throws does not wedge the connection", async () => {
        // What a process does about its exceptions is its own: here they are caught at the emit, as a domain would.
        const { ws, peer } = await rawClient(implementation);
        const thrown = [];
        const emit = ws.emit.bind(ws);
        ws.emit = (name, ...parameters) => {
            try {
                return emit(name, ...parameters);
            }
            catch (error) {
                thrown.push(error);
                return true;
            }
        };
        const log = [];
        ws.on('message', (data) => {
            log.push(data.toString());
            if (data.toString() === 'bad')
                throw new Error('handler');
        });
        const closed = event(ws, 'close');
        peer.send({ payload: 'good' }, { payload: 'bad' }, { payload: 'next' }, { opcode: 8 });
        await closed;
        expect(log).toEqual(['good', 'bad', 'next']);
        expect(thrown).toHaveLength(1);
    });
    it("terminate() in 'message': the frames after it in the chunk are as with ws", async () => {
        const { ws, peer } = await rawClient(implementation);
        const log = recorder(ws);
        ws.once('message', () => ws.terminate());
        const closed = event(ws, 'close');
        peer.send({ payload: 'one' }, { payload: 'two' }, { payload: 'three' });
        await closed;
        expect(log).toEqual(['text one', 'text two', 'text three', 'close 1006']);
    });
    it("close(), terminate() and send() in 'error': change nothing of the ending", async () => {
        for (const act of [
            (ws) => ws.close(1000),
            (ws) => ws.terminate(),
            (ws) => ws.send('x', () => { }),
            (ws) => ws.ping(),
            (ws) => ws.resume(),
        ]) {
            const { ws, peer } = await rawClient(implementation);
            const end = ending(ws);
            ws.on('error', () => act(ws));
            peer.send({ opcode: 3 });
            expect(await end).toMatchObject({ code: 1006, errors: 1 });
        }
    });
    it("send(), close(), terminate(), ping(), pause() and resume() in 'close': do nothing", async () => {
        const { client } = await pair(implementation);
        const again = vi.fn();
        const closed = event(client, 'close');
        client.on('close', () => {
            again();
            client.send('x');
            client.ping();
            client.close();
            client.terminate();
            client.pause();
            client.resume();
        });
        client.close(1000);
        await closed;
        await turn();
        await turn();
        expect(again).toHaveBeenCalledTimes(1);
    });
    it("send(), close() and terminate() in 'open': take effect at once", async () => {
        const { server, url } = await listen(implementation);
        server.on('connection', (ws) => ws.on('message', (data) => ws.send(`echo ${data.toString()}`)));
        const speaking = dial(implementation, url);
        const log = recorder(speaking);
        speaking.on('open', () => {
            speaking.send('first');
            speaking.close(1000);
        });
        await event(speaking, 'close');
        expect(log).toEqual(['upgrade', 'open', 'text echo first', 'close 1000']);
        const gone = dial(implementation, url);
        const end = ending(gone);
        gone.on('open', () => gone.terminate());
        expect((await end).code).toBe(1006);
    });
    it("close() and terminate() in 'connection': end before any message", async () => {
        for (const method of ['close', 'terminate']) {
            const { server, url } = await listen(implementation);
            server.on('connection', (ws) => ws[method]());
            const end = ending(dial(implementation, url));
            expect((await end).code).toBe(method === 'close' ? 1005 : 1006);
        }
    });
    it('server.close() in a message handler: lets the conversation end by itself', async () => {
        const { server, client, peer } = await pair(implementation);
        const closed = event(server, 'close');
        peer.on('message', () => {
            server.close();
            peer.send('still here');
        });
        client.on('message', () => client.close(1000));
        const end = ending(client);
        client.send('x');
        await closed;
        expect(await end).toMatchObject({ code: 1000, errors: 0 });
    });
    it('send() in a send callback: goes on for ever without recursion', async () => {
        const { ws, peer } = await rawClient(implementation);
        let left = 3000;
        const next = () => {
            if (left-- > 0)
                ws.send('x', next);
            else
                ws.close(1000);
        };
        next();
        let count = 0;
        while ((await peer.readFrame()).opcode === 1)
            count++;
        expect(count).toBe(3000);
    });
    it('close() in a send callback: closes after the message', async () => {
        const { ws, peer } = await rawClient(implementation);
        ws.send('last', () => ws.close(1000));
        expect((await peer.readFrame()).payload.toString()).toBe('last');
        expect((await peer.readClose()).code).toBe(1000);
    });
    it('20000 frames in one chunk: no recursion, each delivered', async () => {
        const { ws, peer } = await rawClient(implementation);
        let count = 0;
        ws.on('message', () => {
            count++;
        });
        const closed = event(ws, 'close');
        const one = peer.encode({ opcode: 2, key: Buffer.alloc(4) });
        peer.write(Buffer.concat([
            ...Array.from({ length: 20_000 }, () => one),
            peer.encode({ opcode: 8, payload: closeCode(1000) }),
        ]));
        await closed;
        expect(count).toBe(20_000);
    });
    it("once('message') one after another: sees every message of a chunk when re-armed in the handler", async () => {
        const { ws, peer } = await rawClient(implementation);
        const log = [];
        const done = new Promise((resolve) => {
            const next = (data) => {
                log.push(data.toString());
                if (log.length === 4)
                    resolve();
                else
                    ws.once('message', next);
            };
            ws.once('message', next);
        });
        peer.send(...['a', 'b', 'c', 'd'].map((payload) => ({ payload })));
        await done;
        expect(log).toEqual(['a', 'b', 'c', 'd']);
    });
});
