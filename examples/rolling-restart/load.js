// The clients: half of them talk, all of them listen, and note what they get.
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'wsimd';
import { Room } from '../chat/room.js';

/** How often each talker says something, in ms. */
const PACE = 200;
const [url, count] = process.argv.slice(2);
/** What each client got, in order. */
const received = [];
const said = [];
let welcomed = 0;
let reconnects = 0;

const rooms = Array.from({ length: Number(count) }, (_, index) => {
  const texts = (received[index] = []);
  return new Room([url], { room: 'all', author: `client ${index}`, WebSocket }, ({ type, text, recovered }) => {
    if (type === 'message') texts.push(text);
    else if (type === 'lost') reconnects++;
    else if (++welcomed > rooms.length && !recovered) console.error(`client ${index} could not recover`);
  });
});
while (welcomed < rooms.length) await delay(10);
const talking = setInterval(() => {
  for (const [index, room] of rooms.entries()) {
    if (index % 2 === 1) continue;
    const text = `${index}:${said.length}`;
    said.push(text);
    room.say(text);
  }
}, PACE);
process.send('ready');

process.once('message', async () => {
  clearInterval(talking);
  const isMissing = () => received.some(({ length }) => length < said.length);
  for (let waited = 0; isMissing() && waited < 10_000; waited += 50) await delay(50);
  // Doubles would come now.
  await delay(200);
  let lost = 0;
  let doubled = 0;
  let disordered = 0;
  for (const texts of received) {
    const got = new Set(texts);
    lost += said.length - got.size;
    doubled += texts.length - got.size;
    // All see one order, and each talker's messages in the order in which it said them.
    if (texts.join() !== received[0].join()) disordered++;
    const latest = new Map();
    for (const text of texts) {
      const [talker, number] = text.split(':').map(Number);
      if (number < (latest.get(talker) ?? -1)) disordered++;
      latest.set(talker, number);
    }
  }
  const deliveries = received.reduce((sum, { length }) => sum + length, 0);
  process.send({ published: said.length, received: deliveries, lost, doubled, disordered, reconnects });
});
process.once('disconnect', () => process.exit());
