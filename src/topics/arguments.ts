// `checkTopic` and its neighbours look at the arguments of the methods of `Topics`.
import { Buffer } from 'node:buffer';
import { types } from 'node:util';
import { UsageError } from '../errors/usage-error.js';
import { MAX_TOPIC_LENGTH } from '../spec/limits.js';
import type { TopicSocket } from './member.js';

/** Whether the text has no lone surrogates. */
function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}

export function isBytes(data: unknown): boolean {
  // Also of another realm, whose classes differ from ours.
  return ArrayBuffer.isView(data) || types.isArrayBuffer(data);
}

export function checkSocket(socket: Partial<TopicSocket> | null | undefined): void {
  const isSocket =
    typeof socket === 'object' &&
    typeof socket?.send === 'function' &&
    typeof socket.once === 'function' &&
    typeof socket.readyState === 'number';
  if (!isSocket) throw new UsageError('A subscriber must be a WebSocket of a server');
}

// oxlint-disable-next-line no-control-regex -- these are refused
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** The topic that was looked at last: most calls are about the one before. */
let checked: unknown;

export function checkTopic(topic: unknown): asserts topic is string {
  if (topic === checked && checked !== undefined) return;
  const isTopic =
    typeof topic === 'string' &&
    topic !== '' &&
    isWellFormed(topic) &&
    Buffer.byteLength(topic) <= MAX_TOPIC_LENGTH &&
    !CONTROL.test(topic);
  if (isTopic) checked = topic;
  else throw new TypeError(`A topic must be 1 to ${MAX_TOPIC_LENGTH} bytes of UTF-8 without control characters`);
}
