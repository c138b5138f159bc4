// `examineServer` opens a connection as the case wants it, plays the case, and makes the result.

import type { Duplex } from 'node:stream';
import type { Case, Exam, HandshakeHeader } from './case.js';
import { noFacts } from './facts.js';
import { type DeflateAgreement, judgeAgreement, readAgreement } from './deflate.js';
import {
  asUnimplemented,
  canPlay,
  type Circumstances,
  Examination,
  EXAMINER,
  NOT_OPENED,
  play,
  REFUSED,
  type Script,
  TIMES,
  UNIMPLEMENTED,
  writeHandshake,
} from './examination.js';
import {
  buildRequest,
  createKey,
  HeaderReader,
  judgeResponse,
  offeredProtocols,
  readHeader,
  type Target,
} from './handshake.js';
import { after } from './patience.js';
import type { CaseResult } from './result.js';

/** Examines a server over a socket that is being connected. `connected` is the event that says it is. */
export function examineServer(
  one: Case,
  socket: Duplex,
  connected: 'connect' | 'secureConnect',
  target: Target,
  circumstances: Circumstances,
): Promise<CaseResult> {
  const examination = new Examination(one, false, circumstances);
  const { recorder } = examination;
  const { exam } = one;
  const { timeScale } = circumstances;
  const shape = ('request' in exam ? exam.request : undefined) ?? {};
  const wish = exam.kind === 'compression' ? exam.wish : exam.kind === 'script' ? exam.deflate : undefined;
  const key = createKey();
  const reader = new HeaderReader();
  return new Promise((resolve) => {
    let reason = 'The server closed the connection before it answered the opening handshake.';
    let timedOut = false;
    let asked = false;
    const cancel = after(TIMES.open * timeScale, () => {
      timedOut = true;
      reason = 'peer did not finish (in time) the opening handshake';
      socket.destroy();
    });
    const onError = (error: Error): void => {
      reason = `The connection failed: ${error.message}`;
    };
    const settle = (result: CaseResult): void => {
      cancel();
      socket.destroy();
      resolve(result);
    };
    const onClose = (): void => {
      const facts = { ...noFacts(), droppedByMe: timedOut, wasOpenHandshakeTimeout: timedOut };
      if (reader.held.length > 0 && examination.httpResponse === '?') {
        examination.httpResponse = reader.held.toString('latin1').slice(0, 4096);
      }
      const result = 'The server dropped TCP without an answer.';
      if (exam.kind === 'refusal' && !timedOut && asked) settle(examination.unplayed({ ...REFUSED, result }, facts));
      else if (exam.kind === 'script' && exam.refused !== undefined && !timedOut && asked) {
        settle(examination.unplayed({ ...REFUSED, behavior: exam.refused, result }, facts));
      } else settle(examination.neverOpened(reason, facts));
    };
    const onData = (chunk: Buffer): void => {
      recorder.octetsReceived(chunk);
      recorder.incoming.preopen += chunk.length;
      const read = reader.push(chunk);
      if (read === undefined) return;
      socket.off('data', onData);
      socket.off('close', onClose);
      cancel();
      if (read === null) {
        settle(examination.neverOpened('The response header is longer than 64 KiB.', noFacts()));
        return;
      }
      recorder.incoming.preopen -= read.rest.length;
      examination.httpResponse = read.header.toString('latin1');
      const header = readHeader(read.header);
      examination.agent ??= header?.values('server')[0] ?? null;
      const wrong =
        header === null
          ? 'The answer is no HTTP response.'
          : judgeResponse(header, key, offeredProtocols(target, shape));
      examination.opened();
      if (exam.kind === 'refusal') {
        settle(examination.unplayed(judgeRefusal(exam, header, wrong), { ...noFacts(), droppedByMe: true }));
        return;
      }
      if (exam.kind === 'script' && exam.refused !== undefined && header !== null && header.status >= 400) {
        const result = `The server refused the handshake: ${header.startLine}`;
        const verdict = { behavior: exam.refused, result, behaviorClose: 'OK' as const, resultClose: NOT_OPENED };
        settle(examination.unplayed(verdict, { ...noFacts(), droppedByMe: true }));
        return;
      }
      const agreed = wrong ?? agreement(header!, wish?.offer ?? null, exam);
      if (typeof agreed === 'string') {
        settle(examination.neverOpened(agreed, { ...noFacts(), droppedByMe: true }));
        return;
      }
      const unimplemented = exam.kind === 'script' && wish !== undefined && !canPlay(wish, agreed, 'client');
      const played = unimplemented ? UNIMPLEMENTED : exam;
      void play(examination, played, socket, { role: 'client', deflate: agreed, rest: read.rest, timeScale }).then(
        (result) => settle(unimplemented ? asUnimplemented(result) : result),
      );
    };
    socket.on('error', onError);
    socket.on('data', onData);
    socket.once('close', onClose);
    socket.once(connected, () => {
      asked = true;
      const request = buildRequest({ ...target, key, agent: EXAMINER, extensions: wish?.offer ?? null }, shape);
      examination.httpRequest = request.toString('latin1').slice(0, 4096);
      recorder.outgoing.preopen += request.length;
      void writeHandshake(socket, recorder, request, shape.chop);
    });
  });
}

/** The agreement of the response, none (null), or the mistake in it. */
function agreement(header: HandshakeHeader, offered: string | null, exam: Script): DeflateAgreement | null | string {
  const own = exam.kind === 'script' ? exam.handshake?.(header) : null;
  if (own !== null && own !== undefined) return own;
  const values = header.values('sec-websocket-extensions');
  if (values.length === 0 || (exam.kind === 'script' && exam.handshake !== undefined && offered === null)) return null;
  if (offered === null) return `The response agrees to an extension that was not offered: ${values.join(', ')}`;
  const agreed = readAgreement(values.join(', '), offered);
  // The classic suite plays on whatever the server agrees to; our own cases (D.9) ask for the offered one.
  if (typeof agreed === 'string' || exam.kind === 'compression') return agreed;
  return judgeAgreement(agreed, offered) ?? agreed;
}

function judgeRefusal(
  exam: Exam & { kind: 'refusal' },
  header: HandshakeHeader | null,
  wrong: string | null,
): Pick<CaseResult, 'behavior' | 'behaviorClose' | 'result' | 'resultClose'> {
  if (header === null) return { ...REFUSED, behavior: 'FAILED', result: wrong! };
  if (header.status === 101) {
    return {
      ...REFUSED,
      behavior: exam.accepted,
      result: 'The server accepted the handshake.',
      resultClose: 'Dropped by the examiner',
    };
  }
  const missing = exam.refusal?.(header) ?? null;
  if (missing !== null) return { ...REFUSED, behavior: 'NON-STRICT', result: missing };
  return { ...REFUSED, result: `The server refused the handshake: ${header.startLine}` };
}
