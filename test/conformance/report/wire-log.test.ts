import { expect, test } from 'vitest';
import type { WireLogRow } from '../../../src/conformance/result.js';
import { wireLines, wireRows } from '../../../src/conformance/report/wire-log.js';
import { excerpt } from '../../support/case-results.js';

const FRAME = { opcode: 1, fin: false, rsv: 4, payload: excerpt('ab') };
const ROWS: readonly { row: WireLogRow; head: string; json: unknown[] }[] = [
  { row: { kind: 'octetsReceived', bytes: excerpt('A') }, head: ' RX OCTETS: ', json: ['RO', [1, '41']] },
  {
    row: { kind: 'octetsSent', bytes: excerpt('A'), sync: true },
    head: ' TX OCTETS: ',
    json: ['TO', [1, '41'], true],
  },
  {
    row: { kind: 'frameReceived', ...FRAME, mask: 'f03f0849' },
    head: ' RX FRAME : OPCODE=1, FIN=False, RSV=4, PAYLOAD-LEN=2, MASKED=True, MASK=f03f0849',
    json: ['RF', [2, 'ab'], 1, false, 4, true, 'f03f0849'],
  },
  {
    row: { kind: 'frameSent', ...FRAME, mask: null, repeatLength: 65536, chopSize: 997, sync: true },
    head: ' TX FRAME : OPCODE=1, FIN=False, RSV=4, PAYLOAD-LEN=2, MASK=None, PAYLOAD-REPEAT-LEN=65536, CHOPSIZE=997, SYNC=True',
    json: ['TF', [2, 'ab'], 1, false, 4, null, 65536, 997, true],
  },
  {
    row: { kind: 'delay', seconds: 1, tag: 'A' },
    head: ' DELAY 1.000000 sec for TAG A',
    json: ['CT', 1, 'A'],
  },
  { row: { kind: 'delayOver', tag: 'A' }, head: ' DELAY TIMEOUT on TAG A', json: ['CTE', 'A'] },
  { row: { kind: 'failAfter', seconds: 0.5 }, head: ' FAIL CONNECTION AFTER 0.500000 sec', json: ['KL', 0.5] },
  { row: { kind: 'failing' }, head: ' FAILING CONNECTION', json: ['KLE'] },
  { row: { kind: 'closeAfter', seconds: 10 }, head: ' CLOSE CONNECTION AFTER 10.000000 sec', json: ['TI', 10] },
  { row: { kind: 'closing' }, head: ' CLOSING CONNECTION', json: ['TIE'] },
  { row: { kind: 'wireLog', enabled: false }, head: ' WIRELOG DISABLED', json: ['WLM', false] },
];

test.each(ROWS)('a row is printed as "$head" and in JSON as $json', ({ row, head, json }) => {
  const [line, last] = wireLines({ wirelog: [row], droppedByMe: true });
  expect(line.head).toBe(`000${head}`);
  expect(last.head).toBe('001 TCP DROPPED BY ME');
  expect(wireRows([row])).toEqual([json]);
});

test('a page shows 256 bytes, wrapped at 100 digits; JSON shows 64', () => {
  const bytes = excerpt('A'.repeat(300));
  const row: WireLogRow = { kind: 'octetsReceived', bytes };
  const [line] = wireLines({ wirelog: [row], droppedByMe: false });
  expect(line.rest.map(({ length }) => length)).toEqual([100, 100, 100, 100, 100, 16]);
  expect(line.rest.join('')).toBe(`${'41'.repeat(256)} ...`);
  expect(line.inline).toBe(true);
  expect(wireRows([row])).toEqual([['RO', [300, `${'41'.repeat(64)} ...`]]]);
});

test('the payload of a data frame stands below it, the code of a close frame does not', () => {
  const below = (opcode: number, payload: Uint8Array): readonly string[] => {
    const row: WireLogRow = {
      kind: 'frameReceived',
      opcode,
      fin: true,
      rsv: 0,
      mask: null,
      payload: { length: payload.length, head: payload },
    };
    return wireLines({ wirelog: [row], droppedByMe: false })[0].rest;
  };
  expect(below(1, Buffer.from('text'))).toEqual(['text']);
  expect(below(2, Uint8Array.of(0xff))).toEqual(['0xff']);
  expect(below(8, Uint8Array.of(3, 0xe8))).toEqual([]);
  expect(below(8, Buffer.from('\u0003\u0000bye'))).toEqual(['bye']);
  expect(below(8, Uint8Array.of(3))).toEqual([]);
});
