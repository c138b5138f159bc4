// A worker: a server of the chat's rooms, which ends when the primary says so.
import { WebSocketServer } from 'wsimd';
import { openRooms, openTopics } from '../chat/rooms.js';

const { NAME, PORT, ENGINE } = process.env;
const topics = await openTopics(ENGINE);
const server = new WebSocketServer({ port: Number(PORT), host: '127.0.0.1', perMessageDeflate: true });
const closeRooms = openRooms(server, topics, NAME);

process.once('message', async ({ drain }) => {
  process.send(await closeRooms(drain), () => process.exit());
});
