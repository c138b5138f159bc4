// `explain` describes in words how a case proceeds and by which sentence it judges.

import { type Case, octetsOf, type Step } from './case.js';
import { judgedBy } from './cases/rules.js';
import { excerpt } from './recorder.js';
import { shownEvent } from './judge.js';
import { textOf } from './report/excerpt.js';
import { nameOf } from './report/verdict.js';
import type { ExpectedClose } from './result.js';

/** The most frames in the list; for more it contains their number. */
const LISTED = 12;
const SHOWN = 24;

const OPCODES: Readonly<Record<number, string>> = {
  0: 'continuation',
  1: 'text',
  2: 'binary',
  8: 'close',
  9: 'ping',
  10: 'pong',
};

function opcodeName(opcode: number): string {
  return OPCODES[opcode] ?? `opcode ${opcode}`;
}

function payloadWords(bytes: Buffer): string {
  if (bytes.length === 0) return 'without payload';
  const text = textOf(excerpt(bytes), SHOWN);
  const shown = bytes.length > SHOWN ? '' : ` ${text.startsWith('0x') ? text : JSON.stringify(text)}`;
  return `of ${bytes.length} bytes${shown}`;
}

function stepWords(step: Step): string {
  switch (step.do) {
    case 'wait':
      return `waits ${step.seconds} s`;
    case 'close':
      return `starts the closing handshake${step.code === null ? ', without a code' : ` with ${step.code}`}`;
    case 'header':
      return `the header of a ${opcodeName(step.opcode)} frame of ${step.length} bytes, FIN = ${step.fin ? 1 : 0}`;
    case 'bytes':
      return `payload ${payloadWords(step.payload)}`;
    case 'message': {
      const cut = step.fragment === null ? '' : ` in fragments of ${step.fragment} bytes`;
      return `a ${opcodeName(step.opcode)} message ${payloadWords(octetsOf(step.payload))}${cut}`;
    }
    case 'frame': {
      const words = [
        `a ${opcodeName(step.opcode)} frame ${payloadWords(octetsOf(step.payload))}`,
        ...(step.fin ? [] : ['FIN = 0']),
        ...(step.rsv === 0 ? [] : [`RSV = ${step.rsv}`]),
        ...(step.odd.form === undefined || step.odd.form === null ? [] : [`its length in ${step.odd.form} bits`]),
        ...(step.odd.mask === undefined
          ? []
          : [step.odd.mask === 'zero' ? 'masking key 0' : 'masked where it must not be, or not masked']),
        ...(step.chop === null ? [] : [`written in pieces of ${step.chop} bytes`]),
        ...(step.sync ? ['written by itself'] : []),
      ];
      return words.join(', ');
    }
  }
}

function closeWords({ closedByMe, closeCode, requireClean }: ExpectedClose): string {
  const codes = closeCode.length === 0 ? 'with any code' : `with ${[...new Set(closeCode)].join(' or ')}`;
  return closedByMe
    ? `the examiner closes first; the testee answers ${codes} or without one${requireClean ? ', and the closing handshake is clean' : ', or drops TCP'}`
    : `the testee closes ${codes} or without one, or drops TCP`;
}

function steps(list: readonly Step[]): string[] {
  const lines = list.slice(0, LISTED).map((step) => `  - ${stepWords(step)}`);
  return list.length > LISTED ? [...lines, `  - and ${list.length - LISTED} more`] : lines;
}

/** The explanation of a case, in lines. */
export function explain(one: Case): string {
  const { id, description, expectation, exam } = one;
  const lines = [`${id}: ${description}`, '', `Expected: ${expectation}`];
  if (exam.kind === 'script') {
    lines.push('', 'Sent:', ...steps(exam.steps), '', 'Accepted:');
    for (const { behavior, events, close, accepts } of exam.outcomes) {
      const named = events.slice(0, LISTED).map((event) => nameOf(shownEvent(event)));
      const more = events.length > LISTED ? ` and ${events.length - LISTED} more` : '';
      const order = accepts === undefined ? '' : ' (pongs in any place)';
      lines.push(
        `  - ${behavior}: ${named.length === 0 ? 'nothing' : named.join(', ')}${more}${order}; ${closeWords(close)}`,
      );
    }
    if (exam.refused !== undefined) lines.push(`  - ${exam.refused}: the handshake is refused`);
    if (exam.informational) lines.push('  - INFORMATIONAL, whatever happens');
    lines.push(
      '',
      `After ${exam.limit.seconds} s the examiner ${exam.limit.action === 'fail' ? 'fails' : 'closes'} the connection.`,
    );
  } else if (exam.kind === 'refusal') {
    lines.push('', 'Accepted:', '  - OK: the handshake is refused', `  - ${exam.accepted}: it is accepted`);
  } else {
    const words =
      exam.kind === 'echo'
        ? stepWords(exam.step)
        : exam.kind === 'roundTrips'
          ? `${exam.count} ${opcodeName(exam.opcode)} messages of ${exam.payload.length} bytes, one after the echo of the other`
          : `${exam.count} compressed messages of ${exam.size}, one after the echo of the other; offered: ${exam.wish.offer}`;
    lines.push('', 'Sent:', `  - ${words}`, '', `After ${exam.limit.seconds} s the examiner closes the connection.`);
  }
  lines.push('', `Judged ${judgedBy(one)}.`);
  return `${lines.join('\n')}\n`;
}
