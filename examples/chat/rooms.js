// `openRooms` lets the connections of a server join rooms, which the topics of all processes share.
import { connectBroker } from './broker.js';
import { Topics } from 'wsimd/topics';

/** The topics of this process: every message goes out with its position, from which a client can go on later. */
export async function openTopics(engine) {
  return new Topics({
    broker: await connectBroker(engine),
    envelope: ({ data, position }) => JSON.stringify({ type: 'message', position, ...JSON.parse(data) }),
  });
}

/**
 * @param {import('wsimd').WebSocketServer} server
 * @param {string} name of this process, which clients are told
 * @returns ends the rooms well: clients are sent elsewhere over `window` ms, and all that they said before is published
 */
export function openRooms(server, topics, name) {
  function publish(socket, room, message) {
    // The client comes back, sees what has arrived, and says the rest again.
    topics.publish(room, message, { compress: true }).catch(() => socket.close(1013, 'Try again later'));
  }

  server.on('connection', async (socket, request) => {
    const query = new URLSearchParams(request.url.split('?')[1]);
    const room = `room/${query.get('room')}`;
    const author = query.get('author') ?? 'nobody';
    socket.on('error', () => {});
    socket.on('message', (data) => {
      try {
        const { id, text } = JSON.parse(data);
        publish(socket, room, JSON.stringify({ id, author, text }));
      } catch {
        socket.close(1008, 'Not a message of this chat');
      }
    });
    try {
      const { recovered, position } = await topics.subscribe(socket, room, { after: query.get('after') });
      socket.send(JSON.stringify({ type: 'welcome', name, recovered, position }));
    } catch {
      socket.close(1008, 'No such room');
    }
  });

  return async (window) => {
    // No more connections: they go to other processes.
    server.close();
    const counts = await server.drain({ reason: 'restart', window, timeout: 5000 });
    await topics.close();
    return counts;
  };
}
