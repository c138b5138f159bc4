/** What every contract test stands on: servers, clients and raw peers of one implementation, cleaned away when the test ends. */
import { EventEmitter } from 'node:events';
import http from 'node:http';
import net, {} from 'node:net';
import { Duplex } from 'node:stream';
import { describe, onTestFinished } from 'vitest';
import { connectRaw, listenRaw, requestRaw, responseHead, } from '../../support/raw-peer.js';
import { implementations } from './implementations.js';
const loaded = await Promise.all(implementations.map((entry) => entry.load()));
/** Defines the same tests for each implementation. */
export function contract(topic, define) {
    for (const implementation of loaded) {
        describe(`${topic} [${implementation.name}]`, () => define(implementation));
    }
}
/** Resolves with the arguments of the next `name` event; an 'error' event does not reject it. */
export function event(emitter, name) {
    return new Promise((resolve) => {
        emitter.once(name, (...args) => resolve(args));
    });
}
/** Waits for 'close', collecting what 'error' said before it. Call it before the ending can happen. */
export function ending(ws) {
    return new Promise((resolve) => {
        const errors = [];
        ws.on('error', (error) => errors.push(error));
        ws.once('close', (code, reason) => {
            resolve({ code, reason: reason.toString(), error: errors[0], errors: errors.length });
        });
    });
}
/** Collects messages until `count` have come. */
export function messages(ws, count) {
    return new Promise((resolve) => {
        const list = [];
        const collect = (data, isBinary) => {
            list.push({ data, isBinary });
            if (list.length < count)
                return;
            ws.removeListener('message', collect);
            resolve(list);
        };
        ws.on('message', collect);
    });
}
export async function message(ws) {
    return (await messages(ws, 1))[0];
}
/** Resolves when a setImmediate turn has gone by. */
export function turn() {
    return new Promise((resolve) => {
        setImmediate(resolve);
    });
}
/** Resolves after `milliseconds`: only for tests that show that something does NOT happen. */
export function wait(milliseconds) {
    return new Promise((resolve) => {
        setTimeout(resolve, milliseconds);
    });
}
/** Ends a connection when the test is over, whatever state it is in. */
export function owned(ws) {
    onTestFinished(() => {
        if (ws.readyState === ws.CLOSED)
            return;
        ws.on('error', () => { });
        ws.terminate();
    });
    return ws;
}
/** Closes a server when the test is over, with the connections it still has. */
export function ownedServer(server) {
    onTestFinished(() => {
        for (const ws of server.clients ?? []) {
            ws.on('error', () => { });
            ws.terminate();
        }
        server.close();
    });
    return server;
}
/** A server on a free port of 127.0.0.1. */
export async function listen(implementation, options = {}) {
    const server = ownedServer(new implementation.WebSocketServer({ port: 0, host: '127.0.0.1', ...options }));
    await event(server, 'listening');
    const { port } = server.address();
    return { server, port, url: `ws://127.0.0.1:${port}` };
}
/** A plain HTTP server on a free port, its sockets destroyed when the test ends. */
export async function listenHttp(server = http.createServer()) {
    const sockets = new Set();
    server.on('connection', (socket) => sockets.add(socket));
    onTestFinished(() => {
        for (const socket of sockets)
            socket.destroy();
        server.close();
    });
    await new Promise((resolve) => {
        server.listen(0, '127.0.0.1', resolve);
    });
    const { port } = server.address();
    return { server, port, url: `ws://127.0.0.1:${port}` };
}
/** A client that is not open yet. */
export function dial(implementation, address, protocols, options) {
    return owned(new implementation.WebSocket(address, protocols, options));
}
/** A client that stays in CONNECTING: its request is never sent. */
export function connectingClient(implementation) {
    const ws = dial(implementation, 'ws://localhost/', undefined, {
        createConnection: () => new net.Socket(),
        finishRequest: () => { },
    });
    ws.on('error', () => { });
    return ws;
}
/** An open client and its open counterpart on a server, both of one implementation. */
export async function pair(implementation, { server: serverOptions, client: clientOptions } = {}) {
    const listening = await listen(implementation, serverOptions);
    const connected = event(listening.server, 'connection');
    const client = dial(implementation, listening.url, clientOptions);
    await event(client, 'open');
    const [peer] = await connected;
    return { ...listening, client, peer };
}
function ownedPeer(peer) {
    onTestFinished(() => {
        peer.socket.destroy();
    });
    return peer;
}
/** A server of the implementation with one raw client that has shaken hands. */
export async function rawClient(implementation, options = {}, raw = {}) {
    const listening = await listen(implementation, options);
    const connected = event(listening.server, 'connection');
    const { peer, head } = await connectRaw(listening.port, raw);
    ownedPeer(peer);
    const [ws] = await connected;
    return { ...listening, ws, peer, head };
}
/** Sends a handshake to `port` by hand and gives everything the server answered until it ended. */
export async function refusal(port, options = {}) {
    const peer = ownedPeer(requestRaw(port, options));
    return (await peer.readToEnd()).toString('latin1');
}
/** A raw client whose handshake is sent and whose answer is unread. */
export function rawRequest(port, options = {}) {
    return ownedPeer(requestRaw(port, options));
}
/** A raw server that answers 101 (changed as told), and a client of the implementation that has opened. */
export async function rawServer(implementation, options = {}, raw = {}) {
    const answered = await answering(({ peer, request }) => {
        const head = Buffer.from(responseHead(request, raw.headers));
        peer.write(raw.after ? Buffer.concat([head, raw.after]) : head);
    }, raw);
    const ws = dial(implementation, `ws://127.0.0.1:${answered.port}`, raw.protocols, options);
    await event(ws, 'open');
    const { peer, request } = await answered.first;
    return { ws, peer, request, port: answered.port };
}
/** A raw server that lets `answer` write what it likes; `first` is the first connection. */
export async function answering(answer, options = {}) {
    const requests = [];
    let resolveFirst;
    const first = new Promise((resolve) => {
        resolveFirst = resolve;
    });
    const { port, stop } = await listenRaw((peer, request) => {
        requests.push(request);
        resolveFirst({ peer, request });
        answer({ peer, request });
    }, options);
    onTestFinished(stop);
    return { port, url: `ws://127.0.0.1:${port}`, first, requests };
}
/** The request head a client of the implementation sends. */
export async function requestOf(implementation, options = {}, address = (port) => `ws://127.0.0.1:${port}`, protocols) {
    const server = await answering(({ peer }) => peer.socket.destroy());
    const ws = dial(implementation, address(server.port), protocols, options);
    const gone = ending(ws);
    const { request } = await server.first;
    await gone;
    return request;
}
/** Two Duplex streams joined back to back, with none of a net.Socket's methods. */
export function duplexPair() {
    let first;
    const make = (other) => new Duplex({
        read() { },
        write(chunk, _encoding, callback) {
            const target = other();
            process.nextTick(() => {
                if (!target.destroyed)
                    target.push(chunk);
                callback();
            });
        },
        final(callback) {
            const target = other();
            process.nextTick(() => {
                if (!target.destroyed)
                    target.push(null);
                callback();
            });
        },
    });
    const second = make(() => first);
    first = make(() => second);
    return [first, second];
}
/** The names of a WebSocket's events in the order they came, with short details. */
export function recorder(ws) {
    const log = [];
    ws.on('open', () => log.push('open'));
    ws.on('upgrade', () => log.push('upgrade'));
    ws.on('message', (data, isBinary) => log.push(`${isBinary ? 'binary' : 'text'} ${data.toString()}`));
    ws.on('ping', (data) => log.push(`ping ${data.toString()}`));
    ws.on('pong', (data) => log.push(`pong ${data.toString()}`));
    ws.on('error', (error) => log.push(`error ${error.message}`));
    ws.on('close', (code, reason) => log.push(`close ${code} ${reason.toString()}`.trim()));
    return log;
}
