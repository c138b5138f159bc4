// `CLOSING_KEYS` are the keys of the closing table in their classic order, each with its description.
import type { CaseResult } from '../result.js';

/** A row of the closing table. */
export interface ClosingKey {
  key: keyof CaseResult;
  description: string;
}

/** In the descriptions "I" is the examiner, as in the classic page. */
export const CLOSING_KEYS: readonly ClosingKey[] = [
  { key: 'isServer', description: 'True if I was the server and the testee the client.' },
  {
    key: 'closedByMe',
    description: 'True if I started the closing handshake: my close frame went out before one came in.',
  },
  {
    key: 'failedByMe',
    description:
      'True if I failed the connection, because of a protocol error or because the case ran out of time; with a close frame or by dropping TCP.',
  },
  { key: 'droppedByMe', description: 'True if I dropped the TCP connection.' },
  {
    key: 'wasClean',
    description:
      'True if close frames went both ways and the server then dropped TCP, which is the server\u2019s to do.',
  },
  { key: 'wasNotCleanReason', description: 'What happened instead, when wasClean is False.' },
  {
    key: 'wasServerConnectionDropTimeout',
    description: 'True if I was the client and the server kept TCP open for too long after the closing handshake.',
  },
  { key: 'wasOpenHandshakeTimeout', description: 'True if the opening handshake was not finished in time.' },
  {
    key: 'wasCloseHandshakeTimeout',
    description: 'True if I started the closing handshake and no close frame came back in time.',
  },
  { key: 'localCloseCode', description: 'The close code that I sent, if any.' },
  { key: 'localCloseReason', description: 'The close reason that I sent, if any.' },
  { key: 'remoteCloseCode', description: 'The close code that the testee sent, if any.' },
  { key: 'remoteCloseReason', description: 'The close reason that the testee sent, if any.' },
];
