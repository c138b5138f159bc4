// serverRun and started turn the settings of the command line into a run against one server, and start that server.

import type { ServerRun } from '../conformance/index.js';
import { withAuthorization } from './arguments.js';
import { CommandError } from './command-error.js';
import type { ServerSettings } from './conformance-settings.js';
import type { ServerSpec } from './spec-file.js';
import { isListening, type Testee } from './testee.js';

/** Starts the testee if there is a command, and returns the function that starts it again. */
export async function started(
  testee: Testee | undefined,
  url: string,
  signal: AbortSignal,
): Promise<Pick<ServerRun, 'restart'>> {
  if (testee === undefined || !URL.canParse(url)) return {};
  const target = new URL(url);
  if (await isListening(target)) {
    throw new CommandError(`Something listens on ${target.host} already; end it, or leave the command out.`);
  }
  await testee.startListening(target, signal);
  return { restart: () => testee.startListening(target, signal) };
}

/** Returns the run of the suite against one server of the settings. */
export function serverRun(settings: ServerSettings, server: ServerSpec, signal: AbortSignal): ServerRun {
  const { jobs, workers, timeoutScale, cases, exclude, excludeFor, insecure, headers, http2 } = settings;
  const { url, agent, hostname, protocols = settings.protocols } = server;
  const origin = settings.origin ?? server.origin;
  return {
    url,
    cases,
    exclude,
    workers,
    timeoutScale,
    signal,
    protocols,
    headers: withAuthorization(headers, server.authorization),
    http2,
    ...(origin === undefined ? {} : { origin }),
    tls: { insecure, ...(hostname === undefined ? {} : { servername: hostname }) },
    ...(agent === undefined ? {} : { agent }),
    ...(jobs === undefined ? {} : { jobs }),
    ...(Object.keys(excludeFor).length === 0 ? {} : { excludeFor }),
  };
}
