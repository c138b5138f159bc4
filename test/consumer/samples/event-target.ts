// The face of a browser's WebSocket, and every shape that data may have.
import WebSocket, { type CloseEvent, type Data, type ErrorEvent, type Event, type MessageEvent } from 'ws';

const ws = new WebSocket('ws://127.0.0.1', 'json');
ws.binaryType = 'arraybuffer';
ws.onopen = (event) => event.target.send(new Uint8Array([1, 2, 3]));
ws.onmessage = ({ data, type }) => console.log(type, lengthOf(data));
ws.onclose = (event: CloseEvent) => console.log(event.code, event.reason, event.wasClean);
ws.onerror = (event: ErrorEvent) => console.log(event.message, (event.error as { code?: string }).code);

const onMessage = (event: MessageEvent): void => {
  ws.removeEventListener('message', onMessage);
  event.target.close(1000, 'done');
};
ws.addEventListener('message', onMessage, { once: true });
ws.addEventListener('open', { handleEvent: (event: Event) => console.log(event.type) });
ws.addEventListener('error', (event) => console.log(event.message));
ws.onclose = null;

function lengthOf(data: Data): number {
  if (typeof data === 'string') return data.length;
  if (data instanceof ArrayBuffer) return data.byteLength;
  if (Array.isArray(data)) return data.reduce((sum, part) => sum + part.length, 0);
  return data.subarray(0).length;
}
