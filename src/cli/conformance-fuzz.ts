// fuzzOneServer and fuzzAClient run `wsimd conformance ... --fuzz SECONDS` and write the program that shows a failure.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fuzzClients } from '../conformance/fuzz/fuzz-client.js';
import { fuzzServer } from '../conformance/fuzz/fuzz-server.js';
import type { FuzzSettings, Found, Search } from '../conformance/fuzz/search.js';
import { explain } from '../conformance/explain.js';
import { reproduce } from '../conformance/reproduce.js';
import { serverOf, type Server } from '../conformance/server-plan.js';
import { CommandError, wordsOf } from './command-error.js';
import type { ClientSettings, ServerSettings } from './conformance-settings.js';
import { driveClient } from './driven-client.js';
import { serverRun, started } from './server-run.js';
import { print, type Terminal } from './terminal.js';
import { Testee } from './testee.js';

/**
 * Sends generated streams to one server, and returns the exit status: 1 if the server treats one wrongly.
 * @throws CommandError when the settings name several servers
 */
export async function fuzzOneServer(
  settings: ServerSettings,
  fuzz: FuzzSettings,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const [server, ...others] = settings.servers;
  if (others.length > 0) throw new CommandError('--fuzz takes one server.');
  const testee = settings.command.length === 0 ? undefined : new Testee(settings.command);
  try {
    const run = {
      ...serverRun(settings, server, signal),
      ...(await started(testee, server.url, signal)),
      ...fuzz,
      onNote: (sentence: string): void => terminal.err(`${sentence}\n`),
    };
    const search = await fuzzServer(run);
    return await tellFound(search, fuzz, settings, 'server', serverOf(run), terminal);
  } finally {
    await testee?.stop();
  }
}

/** Sends generated streams to clients, and returns the exit status: 1 if a client treats one wrongly. */
export async function fuzzAClient(
  settings: ClientSettings,
  fuzz: FuzzSettings,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const { host, port, tls, protocols, allowedOrigins, timeoutScale, command, http2 } = settings;
  let played = 0;
  const own = {
    host,
    port,
    protocols,
    allowedOrigins,
    timeoutScale,
    signal,
    http2,
    onCase: (_id: string, begun: boolean): void => void (begun || played++),
    ...(tls === undefined ? {} : { tls }),
  };
  const { examination, search } = await fuzzClients({ ...own, ...fuzz });
  print(`Listening on ${examination.url} for clients, with generated streams.\n`, terminal);
  const client = command.length === 0 ? undefined : driveClient(command, examination, terminal, () => played);
  try {
    return await tellFound(await search, fuzz, settings, 'client', null, terminal);
  } finally {
    await client?.stop();
  }
}

async function tellFound(
  { judged, unplayed, passing, found }: Search,
  { seed }: FuzzSettings,
  { out }: ServerSettings | ClientSettings,
  testee: 'server' | 'client',
  target: Server | null,
  terminal: Terminal,
): Promise<number> {
  const notes = [
    ...(unplayed === 0 ? [] : [`${unplayed} need a compression that was not agreed on`]),
    ...(passing === 0 ? [] : [`${passing} failed once and not again`]),
  ];
  const say = (text: string): void => print(text, terminal);
  say(`${judged} streams of seed ${seed}${notes.length === 0 ? '' : `, of which ${notes.join(', ')}`}.\n`);
  if (judged === 0) throw new CommandError('No stream was played.');
  if (found === null) {
    say('None was treated wrongly.\n');
    return 0;
  }
  const file = join(out, `fuzz-${seed}.mjs`);
  const { one, result, place } = found;
  try {
    await mkdir(out, { recursive: true });
    await writeFile(file, reproduce(one, testee, target ?? { path: '/', host: '', protocols: [], lines: [] }));
  } catch (error) {
    throw new CommandError(`The program cannot be written: ${wordsOf(error)}.`);
  }
  say(`Stream ${place} is treated wrongly. Made smaller:\n\n${explain(one)}\n${wrongOf(result)}\n`);
  say(`Program: ${file}\n`);
  return 1;
}

function wrongOf({ behavior, resultClose, received }: Found['result']): string {
  const seen = received.map((event) =>
    event.kind === 'timeout' ? 'a pause' : `a ${event.kind} of ${event.payload.length} bytes`,
  );
  return `Received: ${seen.length === 0 ? 'nothing' : seen.join(', ')}. Events: ${behavior}. Closing: ${resultClose}.`;
}
