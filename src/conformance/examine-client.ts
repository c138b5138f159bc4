// `examineClient` answers the request of a client as its case says, plays the case, and makes the result.

import type { Duplex } from 'node:stream';
import type { Case, Exam, HandshakeHeader } from './case.js';
import { noFacts } from './facts.js';
import { readAgreement, readOffer } from './deflate.js';
import {
  asUnimplemented,
  canPlay,
  type Circumstances,
  Examination,
  EXAMINER,
  play,
  REFUSED,
  TIMES,
  UNIMPLEMENTED,
  writeHandshake,
} from './examination.js';
import { buildResponse, refuse } from './handshake.js';
import { after } from './patience.js';
import type { CaseResult } from './result.js';
import { encodeHeader, FrameReader, isControl, Opcode } from './wire.js';

/** A request of a client under test. */
export interface Asked {
  header: HandshakeHeader;
  raw: Buffer;
  /** The bytes after the request. */
  rest: Buffer;
}

/** Text that the client must not read, because the handshake before it has failed. */
const BAIT = 'this must not be read';

/** Examines a client after its request. The caller keeps only an 'error' listener on the socket. */
export async function examineClient(
  one: Case,
  socket: Duplex,
  asked: Asked,
  circumstances: Circumstances,
): Promise<CaseResult> {
  const examination = new Examination(one, true, circumstances);
  const { recorder } = examination;
  const { exam } = one;
  const { timeScale } = circumstances;
  examination.httpRequest = asked.raw.toString('latin1');
  recorder.octetsReceived(Buffer.concat([asked.raw, asked.rest]));
  recorder.incoming.preopen += asked.raw.length;
  const wish = exam.kind === 'compression' ? exam.wish : exam.kind === 'script' ? exam.deflate : undefined;
  const offered = asked.header.values('sec-websocket-extensions').join(', ');
  const offer = wish === undefined || offered === '' ? null : readOffer(offered);
  const answer = offer === null ? null : wish!.answer(offer);
  const shape = ('response' in exam ? exam.response : undefined) ?? {};
  const key = asked.header.values('sec-websocket-key')[0] ?? '';
  const response = buildResponse({ key, agent: EXAMINER, extensions: answer, protocol: circumstances.protocol }, shape);
  examination.httpResponse = response.toString('latin1').slice(0, 4096);
  recorder.outgoing.preopen += response.length;
  if (exam.kind === 'refusal') return lure(examination, exam, socket, response, timeScale);
  const agreed = answer === null ? null : readAgreement(answer, offered);
  if (typeof agreed === 'string') {
    socket.end(refuse(500, agreed));
    return examination.neverOpened(`The offer ${JSON.stringify(offered)} has no answer. ${agreed}`, noFacts());
  }
  const unimplemented = exam.kind === 'script' && wish !== undefined && !canPlay(wish, agreed, 'server');
  if (!shape.glued) await writeHandshake(socket, recorder, response, shape.chop);
  examination.opened();
  const result = await play(examination, unimplemented ? UNIMPLEMENTED : exam, socket, {
    role: 'server',
    deflate: agreed,
    rest: asked.rest,
    timeScale,
    before: shape.glued ? response : undefined,
  });
  return unimplemented ? asUnimplemented(result) : result;
}

/** Answers with a handshake that the client must refuse, and a message after it that the client must not answer. */
function lure(
  examination: Examination,
  exam: Exam & { kind: 'refusal' },
  socket: Duplex,
  response: Buffer,
  timeScale: number,
): Promise<CaseResult> {
  const { recorder } = examination;
  const message = Buffer.from(BAIT);
  const header = encodeHeader({ fin: true, rsv: 0, opcode: Opcode.Text, mask: null, length: message.length });
  return new Promise((resolve) => {
    let result: string | null = null;
    let late = false;
    const reader = new FrameReader(() => null);
    const cancel = after(2 * TIMES.reply * timeScale, () => {
      late = true;
      socket.destroy();
    });
    socket.on('data', (chunk: Buffer) => {
      recorder.octetsReceived(chunk);
      reader.push(chunk);
      for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
        recorder.frameReceived(frame.header, frame.payload, 0);
        if (!isControl(frame.header.opcode)) result = 'The client accepted the handshake and answered a message.';
      }
      if (result !== null) socket.destroy();
    });
    socket.once('close', () => {
      cancel();
      const verdict =
        result !== null
          ? { ...REFUSED, behavior: exam.accepted, result, resultClose: 'Dropped by the examiner' }
          : // RFC 6455 4.1: a response with another status is one of HTTP, after which TCP may stay open.
            late && exam.response?.statusLine === undefined
            ? {
                ...REFUSED,
                behaviorClose: 'UNCLEAN' as const,
                result: 'The client answered nothing.',
                resultClose: 'The client did not drop TCP within two seconds',
              }
            : { ...REFUSED, result: late ? 'The client answered nothing.' : 'The client dropped TCP.' };
      resolve(examination.unplayed(verdict, { ...noFacts(), droppedByMe: late || result !== null }));
    });
    void writeHandshake(socket, recorder, Buffer.concat([response, header, message]));
  });
}
