// The classic page of wslay in case 2.7 (9 January 2012), restated: the result from which it was printed, and what stands on it.
import type { CaseResult, Excerpt } from '../../src/conformance/result.js';

function hex(digits: string): Excerpt {
  const head = Buffer.from(digits, 'hex');
  return { length: head.length, head };
}

function text(ascii: string): Excerpt {
  const head = Buffer.from(ascii, 'latin1');
  return { length: head.length, head };
}

const REQUEST = [
  'GET / HTTP/1.1',
  'User-Agent: AutobahnWebSocketsTestSuite/0.4.10',
  'Host: localhost:9090',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Key: +UdJQvuIQ3D5CW5jqMVEZA==',
  'Sec-WebSocket-Version: 13',
  '\r\n',
].join('\r\n');

const RESPONSE = [
  'HTTP/1.1 101 Switching Protocols',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Accept: 0H8CiLdBGVEZ/t9yEq9F+JqSkS4=',
  '\r\n',
].join('\r\n');

/** The result that the page shows. */
export const RESULT: CaseResult = {
  case: 23,
  id: '2.7',
  agent: 'wslay',
  description: 'Send unsolicited pong without payload. Verify nothing is received. Clean close with normal code.',
  expectation: 'Nothing.',
  started: '2012-01-09T14:45:54Z',
  duration: 0,
  reportTime: false,
  reportCompressionRatio: false,
  behavior: 'OK',
  behaviorClose: 'OK',
  result: 'Actual events match at least one expected.',
  resultClose: 'Connection was properly closed',
  expected: { OK: [] },
  received: [],
  expectedClose: { closedByMe: true, closeCode: [1000], requireClean: true },
  isServer: false,
  closedByMe: true,
  failedByMe: false,
  droppedByMe: false,
  wasClean: true,
  wasNotCleanReason: null,
  wasServerConnectionDropTimeout: false,
  wasOpenHandshakeTimeout: false,
  wasCloseHandshakeTimeout: false,
  localCloseCode: 1000,
  localCloseReason: null,
  remoteCloseCode: 1000,
  remoteCloseReason: null,
  httpRequest: REQUEST,
  httpResponse: RESPONSE,
  createStats: true,
  createWirelog: true,
  rxOctetStats: { 4: 1, 129: 1 },
  txOctetStats: { 6: 1, 8: 1, 201: 1 },
  rxFrameStats: { 8: 1 },
  txFrameStats: { 8: 1, 10: 1 },
  trafficStats: null,
  wirelog: [
    { kind: 'octetsSent', bytes: text(REQUEST), sync: false },
    { kind: 'octetsReceived', bytes: text(RESPONSE) },
    {
      kind: 'frameSent',
      payload: hex(''),
      opcode: 10,
      fin: true,
      rsv: 0,
      mask: '93ff41f9',
      repeatLength: null,
      chopSize: null,
      sync: false,
    },
    { kind: 'octetsSent', bytes: hex('8a8093ff41f9'), sync: false },
    {
      kind: 'frameSent',
      payload: hex('03e8'),
      opcode: 8,
      fin: true,
      rsv: 0,
      mask: '5b483a03',
      repeatLength: null,
      chopSize: null,
      sync: false,
    },
    { kind: 'octetsSent', bytes: hex('88825b483a0358a0'), sync: false },
    { kind: 'closeAfter', seconds: 1 },
    { kind: 'octetsReceived', bytes: hex('880203e8') },
    { kind: 'frameReceived', payload: hex('03e8'), opcode: 8, fin: true, rsv: 0, mask: null },
  ],
};

export const SUMMARY = 'wslay - Case 2.7 : Pass - 0 ms @ 2012-01-09T14:45:54Z';

/** The page's headings in their order, below the summary line. */
export const HEADINGS: readonly string[] = [
  'Case Description',
  'Case Expectation',
  'Case Outcome',
  'Case Closing Behavior',
  'Opening Handshake',
  'Closing Behavior',
  'Wire Statistics',
  'Octets Received by Chop Size',
  'Octets Transmitted by Chop Size',
  'Frames Received by Opcode',
  'Frames Transmitted by Opcode',
  'Wire Log',
];

export const EXPECTED = "{'OK': []}";
export const OBSERVED = '[]';
export const CLOSING = 'Connection was properly closed (OK)';

/** Keys and values of the closing table. The page of 2012 had no `wasOpenHandshakeTimeout` yet. */
export const CLOSING_TABLE: readonly (readonly [key: string, value: string])[] = [
  ['isServer', 'False'],
  ['closedByMe', 'True'],
  ['failedByMe', 'False'],
  ['droppedByMe', 'False'],
  ['wasClean', 'True'],
  ['wasNotCleanReason', 'None'],
  ['wasServerConnectionDropTimeout', 'False'],
  ['wasOpenHandshakeTimeout', 'False'],
  ['wasCloseHandshakeTimeout', 'False'],
  ['localCloseCode', '1000'],
  ['localCloseReason', 'None'],
  ['remoteCloseCode', '1000'],
  ['remoteCloseReason', 'None'],
];

/** The statistics tables: heads, rows and totals. */
export const STATISTICS: readonly (readonly (readonly string[])[])[] = [
  [
    ['Chop Size', 'Count', 'Octets'],
    ['4', '1', '4'],
    ['129', '1', '129'],
    ['Total', '2', '133'],
  ],
  [
    ['Chop Size', 'Count', 'Octets'],
    ['6', '1', '6'],
    ['8', '1', '8'],
    ['201', '1', '201'],
    ['Total', '3', '215'],
  ],
  [
    ['Opcode', 'Count'],
    ['8', '1'],
    ['Total', '1'],
  ],
  [
    ['Opcode', 'Count'],
    ['8', '1'],
    ['10', '1'],
    ['Total', '2'],
  ],
];

/** The log without masks, without what was masked, and without PAYLOAD-LEN, which the page of 2012 had not. */
export const LOG: readonly string[] = [
  '000 TX OCTETS: 474554202f20485454502f312e310d0a557365722d4167656e743a204175746f6261686e576562536f636b65747354657374',
  '               53756974652f302e342e31300d0a486f73743a206c6f63616c686f73743a393039300d0a557067726164653a20776562736f',
  '               636b65740d0a436f6e6e656374696f6e3a20557067726164650d0a5365632d576562536f636b65742d4b65793a202b55644a',
  '               51767549513344354357356a714d56455a413d3d0d0a5365632d576562536f636b65742d56657273696f6e3a2031330d0a0d',
  '               0a',
  '001 RX OCTETS: 485454502f312e312031303120537769746368696e672050726f746f636f6c730d0a557067726164653a20776562736f636b',
  '               65740d0a436f6e6e656374696f6e3a20557067726164650d0a5365632d576562536f636b65742d4163636570743a20304838',
  '               43694c64424756455a2f743979457139462b4a71536b53343d0d0a0d0a',
  '002 TX FRAME : OPCODE=10, FIN=True, RSV=0, PAYLOAD-REPEAT-LEN=None, CHOPSIZE=None, SYNC=False',
  '003 TX OCTETS: 8a80',
  '004 TX FRAME : OPCODE=8, FIN=True, RSV=0, PAYLOAD-REPEAT-LEN=None, CHOPSIZE=None, SYNC=False',
  '005 TX OCTETS: 8882',
  '006 CLOSE CONNECTION AFTER 1.000000 sec',
  '007 RX OCTETS: 880203e8',
  '008 RX FRAME : OPCODE=8, FIN=True, RSV=0, MASKED=False, MASK=None',
  '009 TCP DROPPED BY PEER',
];
