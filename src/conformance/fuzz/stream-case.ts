// `streamCase` makes a case from a generated stream, which it judges by `readStream`.

import {
  type Case,
  CLEAN,
  expect,
  failAfter,
  failed,
  octetsOf,
  type ExpectedEvent,
  type Outcome,
  type ReceivedEvent,
} from '../case.js';
import { NO_TAKEOVER_WISH, PLAIN_WISH } from '../cases/compression.js';
import type { Reading } from './reading.js';
import { readingOf, type Stream } from './stream.js';

/** The case of a stream; `seconds` is its time limit. */
export function streamCase(id: string, stream: Stream, seconds: number): Case {
  const reading = readingOf(stream);
  const { echoes, pings, fault, closed } = reading;
  const over = fault !== null || closed;
  const events: ExpectedEvent[] = [
    ...echoes.map(({ payload, binary }) => (binary ? expect.binary(payload) : expect.text(payload))),
    ...pings.map((ping) => expect.pong(ping)),
  ];
  const outcome: Outcome = {
    behavior: 'OK',
    events,
    accepts: (received) => accepts(reading, received),
    close: over ? failed() : CLEAN,
  };
  const last = octetsOf(stream.frames.at(-1)!.payload);
  const readOn: Outcome = {
    ...outcome,
    behavior: 'FAILED',
    accepts: (received) => received.some((event) => event.kind === 'pong' && event.payload.equals(last)),
    close: CLEAN,
  };
  const { deflate } = stream;
  return {
    id,
    description: `A generated stream of ${stream.frames.length} frames.`,
    expectation: over
      ? 'No message or pong but of frames before the end, in order; then the testee ends the connection.'
      : 'Each message comes back, and the last ping has its pong; then the examiner closes, cleanly.',
    judgedBy: fault ?? (closed ? 'RFC 6455 5.5.1: a close frame is answered' : 'RFC 6455 5.4, 5.5.3 and 5.6'),
    exam: {
      kind: 'script',
      steps: [...stream.frames],
      outcomes: over ? [outcome, readOn] : [outcome],
      limit: failAfter(seconds),
      wrongEndpointFails: true,
      ...(deflate === null
        ? {}
        : {
            deflate: {
              ...(deflate.takeover ? PLAIN_WISH : NO_TAKEOVER_WISH),
              ...(deflate.takeover ? { offer: 'permessage-deflate; client_max_window_bits' } : {}),
              fits: (own) => own.windowBits >= deflate.windowBits && (own.takeover || !deflate.takeover),
            },
          }),
    },
  };
}

/**
 * Whether the received events fit the reading. Messages come in order, and so do pongs; RFC 6455 5.5.2 and 5.5.3 fix no order
 * between the two, and let a testee answer only the last ping. Where the stream ends the connection, answers may be missing.
 */
function accepts({ echoes, pings, fault, closed }: Reading, received: readonly ReceivedEvent[]): boolean {
  const messages = received.filter((event) => event.kind === 'message');
  const pongs = received.filter((event) => event.kind === 'pong');
  if (messages.length + pongs.length < received.length || messages.length > echoes.length) return false;
  const same = messages.every(
    ({ payload, binary }, at) => binary === echoes[at].binary && payload.equals(echoes[at].payload),
  );
  let from = 0;
  for (const { payload } of pongs) {
    while (from < pings.length && !pings[from].equals(payload)) from++;
    if (from++ === pings.length) return false;
  }
  if (!same) return false;
  if (fault !== null || closed) return true;
  return messages.length === echoes.length && pongs.at(-1)?.payload.equals(pings.at(-1)!) === true;
}
