// `runServerCases` examines a server over several connections at a time, and yields results as they become certain.
import { capacityNote, capacityOf, isTurnedAway } from './capacity.js';
import type { Case } from './case.js';
import { checkWorkers, Crew, isHeavy } from './crew.js';
import { isAbrupt, NOT_OPENED, TIMES } from './examination.js';
import { examineServer } from './examine-server.js';
import { type Answer, call, type Calling, knock } from './knock.js';
import { pause } from './patience.js';
import { CompressedMessages } from './payloads.js';
import { HeldResults } from './results.js';
import { type CaseResult, DEAF, isPass } from './result.js';
import { inOneOf, nobodyAt, phases, type Server, ServerDiedError, serverOf, type ServerRun } from './server-plan.js';
import { CannotRunError, caseNumber, matchesAny, selectCases } from './select.js';
import { Shares } from './shares.js';

const DEFAULT_JOBS = 8;
/** The seconds within which a server answers handshakes that it serves side by side. */
const SIDE_BY_SIDE = 1;

/** One run with one server. */
class Drive {
  readonly results: HeldResults = new HeldResults();
  readonly #run: ServerRun;
  readonly #server: Server;
  readonly #timeScale: number;
  readonly #sockets = new Set<{ destroy: () => void }>();
  #cases: Case[];
  /** The worker threads, in a phase that has some. */
  #crew: Crew | null = null;
  #halted = false;
  /** Whether the server refuses connections beyond those that it serves at a time. A case that it refuses is played again. */
  #refusesMore = false;
  /** The deaths in a row for which no case is to blame. */
  #idle = 0;
  /** The server's answer to a valid handshake before the first case. */
  #first: Answer = { kind: 'gone', why: '' };
  /** Cases whose connection broke, and after which the server no longer answered. */
  #suspects: { one: Case; result: CaseResult }[] = [];
  /** Results of connections that ended cleanly, until the server has shown that it is alive. */
  #unsure: { one: Case; result: CaseResult; ended: number }[] = [];

  constructor(run: ServerRun) {
    this.#run = run;
    this.#server = serverOf(run);
    this.#timeScale = run.timeoutScale ?? 1;
    this.#cases = selectCases(run, 'server');
  }

  halt(): void {
    this.#halted = true;
    for (const socket of this.#sockets) socket.destroy();
    this.#crew?.end();
  }

  // ---- the server --------------------------------------------------------------------------------------------------------------

  #call(): Calling {
    const calling = call(this.#server, this.#run);
    const { socket } = calling;
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    if (this.#halted) socket.destroy();
    return calling;
  }

  #knock(seconds: number = TIMES.open): Promise<Answer> {
    return knock(this.#call(), this.#server, seconds * this.#timeScale);
  }

  /** @throws CannotRunError when no server answers */
  async #meet(): Promise<void> {
    this.#first = await this.#knock();
    if (this.#first.kind === 'gone') throw new CannotRunError(nobodyAt(this.#server, this.#first.why));
    if (this.#first.kind === 'open') await this.#first.leave();
    this.#exclude();
  }

  #exclude(): void {
    const { excludeFor, agent } = this.#run;
    if (excludeFor === undefined) return;
    const name = agent ?? (this.#first.kind === 'open' ? this.#first.agent : null) ?? 'UnknownServer';
    const gone = Object.entries(excludeFor).flatMap(([pattern, ids]) => (matchesAny(name, [pattern]) ? ids : []));
    this.#cases = this.#cases.filter(({ id }) => !matchesAny(id, gone));
  }

  /** Whether the server answers a valid handshake as it did at first. It has three attempts, because it may still be busy. */
  async #stillAnswers(): Promise<boolean> {
    for (const seconds of [0.2, 1, 0]) {
      const answer = await this.#knock();
      if (answer.kind === 'open') await answer.leave();
      if (answer.kind === this.#first.kind || answer.kind === 'open') return true;
      if (answer.kind === 'gone' || this.#halted) break;
      await pause(seconds);
    }
    return this.#halted;
  }

  /** The number of connections that the server serves side by side, up to `most`. */
  async #capacity(most: number): Promise<number> {
    if (this.#first.kind !== 'open') return most;
    const capacity = await capacityOf(() => this.#knock(SIDE_BY_SIDE), most);
    this.#refusesMore = capacity.refusesMore;
    if ((capacity.lanes < most || capacity.refusesMore) && !this.#halted) this.#run.onNote?.(capacityNote(capacity));
    return capacity.lanes;
  }

  // ---- the cases ---------------------------------------------------------------------------------------------------------------

  #play(one: Case, lane: number): Promise<CaseResult> {
    const agent = this.#run.agent ?? null;
    const circumstances = { number: caseNumber(one), agent, timeScale: this.#timeScale };
    if (this.#crew !== null) {
      const { tls, http2 } = this.#run;
      return this.#crew.drive(lane % this.#crew.size, one, this.#server, { tls, http2 }, circumstances);
    }
    const { socket, connected } = this.#call();
    return examineServer(one, socket, connected, this.#server, circumstances);
  }

  async #examine(one: Case, lane: number): Promise<CaseResult> {
    this.#run.onCase?.(one.id, true);
    let result = await this.#play(one, lane);
    // The server may count a connection that has ended a moment ago.
    if (this.#refusesMore && isTurnedAway(result)) {
      await pause(1);
      const second = this.#halted ? result : await this.#play(one, lane);
      // One that could ask nothing may find the server dead of the first.
      if (second.httpRequest !== '?') result = second;
    }
    this.#run.onCase?.(one.id, false);
    // A refusal proves nothing where the server refuses valid handshakes too.
    if (result.resultClose !== NOT_OPENED || this.#first.kind !== 'deaf') return result;
    return { ...result, behavior: 'FAILED', result: `${DEAF}: ${this.#first.why}.` };
  }

  /**
   * Examines a case, and holds its result until the server has shown that it is alive: by an answer to a later connection or,
   * where the connection broke, by an answer to a valid handshake. Returns false where the server no longer answers. `retry`
   * receives the case if it sent no request, and `again` one that does not pass beside others, or only by a rude end.
   */
  async #settle(one: Case, lane: number, retry: (one: Case) => void, again: Case[] | null): Promise<boolean> {
    const begun = performance.now();
    const result = await this.#examine(one, lane);
    if (this.#halted) return true;
    if (again === null && result.httpRequest !== '?') this.results.replace(result);
    if (result.httpResponse !== '?') this.#confirm(begun);
    if (!result.wasClean) {
      const ended = performance.now();
      if (await this.#stillAnswers()) this.#confirm(ended);
      else {
        if (result.httpRequest === '?') retry(one);
        else this.#suspects.push({ one, result });
        return false;
      }
      if (this.#halted) return true;
    }
    if (again !== null && (isAbrupt(result) || !isPass(result, true))) {
      again.push(one);
      this.results.hold(result);
    } else if (result.wasClean) this.#unsure.push({ one, result, ended: performance.now() });
    else this.results.add(result);
    return true;
  }

  /** Notes that the server answered a connection begun at `time`: connections that had ended by then did not kill it. */
  #confirm(time: number): void {
    this.#idle = 0;
    const unsure = this.#unsure;
    this.#unsure = unsure.filter(({ ended }) => ended > time);
    for (const { result, ended } of unsure) if (ended <= time) this.results.add(result);
  }

  /** Runs cases on `lanes` connections at a time; a case that does not pass beside others runs again alone. */
  async #side(cases: Case[], lanes: number): Promise<void> {
    const again: Case[] = [];
    const beside = Math.min(lanes, cases.length) > 1 ? again : null;
    const shares = new Shares(cases);
    const retry = (one: Case): void => shares.putBack(one);
    while ((shares.length > 0 || this.#unsure.length > 0) && !this.#halted) {
      let alive = true;
      const lane = async (place: number): Promise<void> => {
        while (alive && shares.length > 0 && !this.#halted) {
          const one = shares.take(this.#crew === null ? 0 : place % this.#crew.size)!;
          if (!(await this.#settle(one, place, retry, beside))) alive = false;
        }
      };
      await Promise.all(Array.from({ length: lanes }, (_, place) => lane(place)));
      if (alive && this.#unsure.length > 0) {
        const time = performance.now();
        alive = await this.#stillAnswers();
        if (alive) this.#confirm(time);
      }
      if (!alive) await this.#revive(shares.first, retry);
    }
    again.sort((one, other) => caseNumber(one) - caseNumber(other));
    if (again.length > 0) await this.#side(again, 1);
  }

  /** Finds the case that killed the server, and starts the server again if the run has a `restart`. */
  async #revive(next: Case | undefined, retry: (one: Case) => void): Promise<void> {
    const suspects = this.#takeSuspects();
    const ids = suspects.map(({ one }) => one.id);
    if (suspects.length === 1) this.results.addDeath(suspects[0].result);
    this.#idle = suspects.length === 0 ? this.#idle + 1 : 0;
    const { restart } = this.#run;
    if (restart === undefined || this.#idle > 2) {
      const where = ids.length === 0 && next !== undefined ? ` before ${next.id}` : inOneOf(ids);
      const why =
        restart === undefined ? 'there is no command to start it again' : 'so it does each time it is started';
      throw new ServerDiedError(`The server died${where}, and ${why}.`);
    }
    await this.#start(restart, ids);
    if (suspects.length === 1) return;
    // Each suspect runs again alone: the one after which the server no longer answers killed it.
    for (const { one } of suspects) {
      if (this.#halted) return;
      const alive = (await this.#settle(one, 0, retry, null)) && (await this.#stillAnswers());
      if (alive) {
        this.#confirm(performance.now());
        continue;
      }
      for (const { result } of this.#takeSuspects()) this.results.addDeath(result);
      await this.#start(restart, [one.id]);
    }
  }

  /** Takes the cases that may have killed the server: those whose connection broke, and those that no answer has confirmed. */
  #takeSuspects(): { one: Case; result: CaseResult }[] {
    const suspects = [...this.#suspects, ...this.#unsure];
    [this.#suspects, this.#unsure] = [[], []];
    return suspects;
  }

  async #start(restart: () => Promise<void>, ids: string[]): Promise<void> {
    await restart().catch((cause: Error) => {
      const where = inOneOf(ids);
      throw new ServerDiedError(`The server died${where}, and was not started again. ${cause.message}`, { cause });
    });
    const answer = await this.#knock();
    if (answer.kind === 'open') await answer.leave();
    if (answer.kind === 'gone') {
      throw new ServerDiedError(`The server died${inOneOf(ids)}, and does not come up again (${answer.why}).`);
    }
    this.#run.onNote?.(`The server died${inOneOf(ids)} and was started again.`);
  }

  async all(): Promise<void> {
    await this.#meet();
    const lanes = await this.#capacity(Math.min(this.#run.jobs ?? DEFAULT_JOBS, this.#cases.length));
    const most = this.#run.workers ?? 0;
    for (const phase of phases(this.#cases, lanes, most)) {
      if (this.#halted) return;
      const workers = Math.min(most, phase.lanes, phase.cases.length);
      this.#crew = workers > 0 && phase.cases.every(isHeavy) ? new Crew(workers) : null;
      await this.#side(phase.cases, phase.lanes);
      this.#crew?.end();
      this.#crew = null;
    }
  }
}

/**
 * Runs the selected cases with a server, and yields their results in the order in which they become certain.
 * @throws CannotRunError before the first result, for an invalid setting or where no server answers
 * @throws ServerDiedError after the results so far, when the server dies and cannot be started again
 */
export async function* runServerCases(run: ServerRun): AsyncGenerator<CaseResult, void, void> {
  const { jobs = DEFAULT_JOBS, workers = 0, timeoutScale = 1, signal } = run;
  if (!Number.isInteger(jobs) || jobs < 1 || jobs > 64)
    throw new CannotRunError('jobs is a whole number from 1 to 64.');
  checkWorkers(workers);
  if (!(timeoutScale > 0)) throw new CannotRunError('timeoutScale is a number above 0.');
  signal?.throwIfAborted();
  const drive = new Drive(run);
  const abort = (): void => {
    drive.results.close(signal?.reason ?? new Error('The run was aborted.'));
    drive.halt();
  };
  signal?.addEventListener('abort', abort, { once: true });
  drive.all().then(
    () => drive.results.close(),
    (error: unknown) => drive.results.close(error),
  );
  try {
    yield* drive.results;
  } finally {
    // This runs also when the caller leaves the loop early.
    drive.halt();
    signal?.removeEventListener('abort', abort);
    CompressedMessages.clear();
  }
}
