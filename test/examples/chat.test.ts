// `examples/chat`: two processes with the same rooms; a client goes on when the one that serves it is killed.
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { hasEngine } from '../support/engines.mjs';
import { startExample, type Example } from '../support/example.js';

/** The client of the example, as far as it is used here. */
type RoomClass = new (
  urls: readonly string[],
  settings: { room: string; author: string; WebSocket: unknown },
  told: (event: Told) => void,
) => { readonly isOpen: boolean; readonly pending: number; say(text: string): string; close(): void };
/** npm's package, which may not be installed; TypeScript is to know nothing of it. */
const REDIS: string = 'redis';
const { Room } = (await import(new URL('../../examples/chat/room.js', import.meta.url).href)) as { Room: RoomClass };
const hasRedis = await import(/* @vite-ignore */ REDIS).then(
  () => hasEngine('redis-server'),
  () => false,
);

let example: Example | undefined;
afterEach(async () => {
  await example?.end();
  example = undefined;
});

interface Told {
  readonly type: string;
  readonly name?: string;
  readonly text?: string;
  readonly recovered?: boolean;
}

test.each(hasRedis ? ['hub', 'redis'] : ['hub'])(
  'over %s, no message is lost or doubled when a process is killed',
  async (engine) => {
    example = startExample('chat', '--port', '0', '--engine', engine);
    if (example === undefined) return;
    const [, first, second] = await example.says(/(http:\S+)\/\n.*(http:\S+)\/\n/);
    const urls = [first, second].map((url) => url.replace('http', 'ws'));
    // Pages of other sites may not connect.
    for (const url of urls) await reachable(url);
    const foreign = new WebSocket(`${urls[0]}/?room=a`, { origin: 'http://elsewhere.example' });
    const [refusal] = (await once(foreign, 'error')) as [Error];
    expect(refusal.message).toBe('Unexpected server response: 403');

    // A path that `new URL` refuses ends no process.
    expect((await fetch(`${first}//`)).status).toBe(404);
    const odd = new WebSocket(`${urls[0]}//?room=a`, { origin: first });
    await once(odd, 'message');
    odd.close();

    const heard: Told[][] = [[], []];
    const rooms = heard.map((told, index) => {
      const order = index === 0 ? urls : [urls[1], urls[0]];
      return new Room(order, { room: 'a', author: `client ${index}`, WebSocket: asPage(first) }, (event) =>
        told.push(event),
      );
    });
    const texts = (index: number): string[] => heard[index].filter(({ text }) => text).map(({ text }) => text!);
    const serving = (index: number): string => heard[index].filter(({ type }) => type === 'welcome').at(-1)!.name!;
    await until(() => rooms.every(({ isOpen }) => isOpen));
    const said = ['one', 'two', 'three', 'four'];
    rooms[0].say('one');
    await until(() => texts(1).length === 1 && rooms[0].pending === 0);
    rooms[1].say('two');
    await until(() => texts(0).length === 2 && rooms[1].pending === 0);

    const killed = serving(0);
    const origin = Number(killed.at(-1)) === 1 ? first : second;
    await fetch(`${origin}/kill`, { method: 'POST', headers: { Origin: origin } }).catch(() => undefined);
    await until(() => heard[0].some(({ type }) => type === 'lost'));
    rooms[0].say('three');
    await until(() => rooms[0].isOpen && rooms[0].pending === 0 && rooms[1].isOpen);
    rooms[1].say('four');
    await until(() => rooms.every((_, index) => texts(index).length >= 4));
    expect([texts(0), texts(1)]).toEqual([said, said]);
    expect(heard[0].filter(({ type }) => type === 'welcome').map(({ recovered }) => recovered)).toEqual([false, true]);
    expect(serving(0)).not.toBe(killed);
    await example.says(new RegExp(`${killed} has ended \\(SIGKILL\\), and starts again`));
    for (const room of rooms) room.close();
  },
);

/** A WebSocket class whose requests carry the Origin of the page. */
function asPage(origin: string): unknown {
  return class extends WebSocket {
    constructor(url: string) {
      super(url, { origin });
    }
  };
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await delay(10);
}

async function reachable(url: string): Promise<void> {
  const isThere = async (): Promise<boolean> =>
    fetch(url.replace('ws', 'http')).then(
      ({ ok }) => ok,
      () => false,
    );
  while (!(await isThere())) await delay(50);
}

test('a message that was said again, and has arrived both times, is told once', () => {
  const told: Told[] = [];
  const sockets: EventTarget[] = [];
  class Scripted extends EventTarget {
    constructor() {
      super();
      sockets.push(this);
    }
    close(): void {
      this.dispatchEvent(new Event('close'));
    }
  }
  const room = new Room(['ws://one'], { room: 'a', author: 'b', WebSocket: Scripted }, (event) => told.push(event));
  for (const [id, text] of ['1 x', '2 y', '1 x'].map((line) => line.split(' '))) {
    const data = JSON.stringify({ type: 'message', position: '1.e', id, text });
    sockets[0].dispatchEvent(new MessageEvent('message', { data }));
  }
  room.close();
  expect(told.filter(({ text }) => text).map(({ text }) => text)).toEqual(['x', 'y']);
});
