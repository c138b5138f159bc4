// Two connections of the codec that talk without sockets, anywhere: what a browser or a Worker can run.
import { Connection, EventType, kernels, Role } from 'wsimd/codec';

/** Carries messages there and back; throws when they differ. Returns the kernels' name. */
export function echo() {
  const server = new Connection({ role: Role.Server });
  const client = new Connection({ role: Role.Client });
  const carry = (from, to) => {
    for (const chunk of from.takeOutput()) to.receive(chunk);
    const messages = [];
    for (let event = to.next(); event !== undefined; event = to.next()) {
      if (event.type === EventType.Message) messages.push(event);
    }
    return messages;
  };
  const texts = ['', 'short', 'Käthe 東京 🎉 '.repeat(2000)];
  for (const text of texts) client.send(text);
  for (const { data, isBinary } of carry(client, server)) server.send(data, { binary: isBinary });
  const decoder = new TextDecoder();
  const received = carry(server, client).map(({ data }) => (typeof data === 'string' ? data : decoder.decode(data)));
  if (received.length !== texts.length || texts.some((text, i) => text !== received[i])) {
    throw new Error('the echo differs');
  }
  return kernels.name;
}
