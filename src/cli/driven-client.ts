// `driveClient` starts a client under test, and starts it again when it dies.

import type { ClientExamination } from '../conformance/index.js';
import type { Terminal } from './terminal.js';
import { Testee } from './testee.js';

/** A client that the suite started. */
export interface Driven {
  /** Ends the client. */
  stop(): Promise<void>;
  /** How the client last ended with a failure, for the report. */
  ending: string | undefined;
}

/** Starts the client, and again after each failure before which `count` grew; any other end of it ends the run. */
export function driveClient(
  command: string[],
  examination: ClientExamination,
  terminal: Terminal,
  count: () => number = () => [...examination.results.values()].reduce((sum, own) => sum + own.size, 0),
): Driven {
  const testee = new Testee(
    command.map((word) => word.replaceAll('{url}', examination.url)),
    { WSIMD_URL: examination.url },
  );
  let isStopped = false;
  const driven: Driven = {
    ending: undefined,
    stop: () => {
      isStopped = true;
      return testee.stop();
    },
  };
  const drive = async (): Promise<void> => {
    for (;;) {
      const before = count();
      const { ended } = await testee.start();
      const { words, good } = await ended;
      if (good || isStopped) return;
      await examination.settled();
      if (isStopped) return;
      driven.ending = `The client ended (${words}). It said: ${testee.lastWords || 'nothing'}`;
      if (count() === before) return;
      terminal.err(`The client ended (${words}) and is started again.\n`);
    }
  };
  void drive().finally(() => examination.stop());
  return driven;
}
