// `conformance` runs `wsimd conformance`: it examines servers or clients, and makes a report and an exit status.
import { join } from 'node:path';
import {
  CannotRunError,
  matchesAny,
  runClientCases,
  runServerCases,
  selectCases,
  ServerDiedError,
  type AgentResults,
  type ClientExamination,
  type ClientRun,
  type CaseResult,
} from '../conformance/index.js';
import { exitStatus, readBaseline, refusals, type Measure } from '../conformance/report/judgement.js';
import { badgeJson } from '../conformance/report/badge.js';
import { junitXml } from '../conformance/report/junit.js';
import type { AgentReport, Report } from '../conformance/report/report.js';
import { summary } from '../conformance/report/terminal.js';
import { checkFileWritable, checkWritable, writeReport, writeWhole } from '../conformance/report/write.js';
import { CommandError, wordsOf } from './command-error.js';
import type { Keep } from './listed-run.js';
import { readFile } from './files.js';
import { fuzzAClient, fuzzOneServer } from './conformance-fuzz.js';
import { table } from './conformance-table.js';
import { tell } from './conformance-tell.js';
import { Progress } from './conformance-progress.js';
import {
  readClientSettings,
  readServerSettings,
  type ClientSettings,
  type ServerSettings,
} from './conformance-settings.js';
import { CONFORMANCE_USAGE } from './conformance-usage.js';
import { driveClient } from './driven-client.js';
import { print, type Terminal } from './terminal.js';
import { hintOfPort } from './target.js';
import { Testee } from './testee.js';
import { serverRun, started } from './server-run.js';

/**
 * Runs `wsimd conformance` and returns its exit status: 0 if no case was refused, else 1. `signal` ends the run
 * early, with a report of the results so far. `keep` receives the report; by default, it is written.
 *
 * @throws CommandError when the run cannot begin or its report cannot be written (exit status 2)
 */
export async function conformance(
  args: string[],
  terminal: Terminal,
  signal: AbortSignal,
  keep: Keep = writeReport,
): Promise<number> {
  const [testee, ...rest] = args;
  if (testee === 'table') return table(rest, terminal, signal, conformance);
  if (args.includes('--help')) {
    print(CONFORMANCE_USAGE, terminal);
    return 0;
  }
  try {
    if ((testee === 'server' || testee === 'client') && tell(testee, rest, terminal)) return 0;
    switch (testee) {
      case 'server':
        return await runServers(readServerSettings(rest), terminal, signal, keep);
      case 'client':
        return await runClients(readClientSettings(rest), terminal, signal, keep);
      default:
        throw new CommandError('Say whether to examine a server or a client: wsimd conformance server|client|table.');
    }
  } catch (error) {
    throw error instanceof CannotRunError ? new CommandError(error.message + hintOfPort(error.cause, '--port')) : error;
  }
}

type Settings = ServerSettings | ClientSettings;

/** An agent of a run, to which results are added. */
interface GrowingAgent extends AgentReport {
  results: Map<string, CaseResult>;
}

async function runServers(
  settings: ServerSettings,
  terminal: Terminal,
  signal: AbortSignal,
  keep: Keep,
): Promise<number> {
  if (settings.fuzz !== undefined) return fuzzOneServer(settings, settings.fuzz, terminal, signal);
  const selected = selectCases(settings, 'server').map(({ id }) => id);
  const measure = await prepare(settings, terminal);
  const progress = new Progress(settings.strict, terminal);
  const testee = settings.command.length === 0 ? undefined : new Testee(settings.command);
  const agents: GrowingAgent[] = [];
  for (const server of settings.servers) {
    const agent: GrowingAgent = { name: server.agent ?? server.url, selected, results: new Map() };
    agents.push(agent);
    progress.begin(agent);
    try {
      const run = {
        ...serverRun(settings, server, signal),
        ...progress.hooks,
        ...(await started(testee, server.url, signal)),
      };
      for await (const result of runServerCases(run)) {
        agent.name = result.agent;
        agent.results.set(result.id, result);
        progress.show(result);
      }
    } catch (error) {
      agent.ended = endOf(error, signal);
      // A server that does not answer does not end the run of the others.
      const unreachable = error instanceof CannotRunError && settings.servers.length > 1;
      if (agent.ended === undefined && !unreachable) throw error;
      agent.ended ??= `UNREACHABLE: ${wordsOf(error)}`;
    } finally {
      progress.clear();
      await testee?.stop();
    }
  }
  if (agents.every(({ ended, results }) => results.size === 0 && ended?.startsWith('UNREACHABLE'))) {
    throw new CommandError(agents.map(({ ended }) => ended).join(' '));
  }
  const report = { agents: agents.map((agent) => withoutExcluded(agent, settings)), written: new Date() };
  return finish(withDistinctNames(report, settings), settings, { measure, terminal, keep });
}

/** Returns why a run ended early, for its report; undefined if the error is another one. */
function endOf(error: unknown, signal: AbortSignal): string | undefined {
  if (signal.aborted) return 'The run was interrupted.';
  return error instanceof ServerDiedError ? error.message : undefined;
}

async function runClients(
  settings: ClientSettings,
  terminal: Terminal,
  signal: AbortSignal,
  keep: Keep,
): Promise<number> {
  if (settings.fuzz !== undefined) return fuzzAClient(settings, settings.fuzz, terminal, signal);
  const { command, out, tls, ...shared } = settings;
  const selected = selectCases(settings, 'client').map(({ id }) => id);
  const measure = await prepare(settings, terminal);
  const progress = new Progress(settings.strict, terminal);
  const reportOf = (results: AgentResults): Report => ({
    agents: [...results].map(([name, own]) => withoutExcluded({ name, selected, results: new Map(own) }, settings)),
    written: new Date(),
  });
  // Reports are written one after the other, so that the latest one stays.
  let written: Promise<void> = Promise.resolve();
  const updateReports = (results: AgentResults): Promise<void> => {
    const next = written.then(() => keep(reportOf(results), out));
    written = next.catch((error: unknown) => terminal.err(`The report cannot be written: ${wordsOf(error)}.\n`));
    return next;
  };
  const examination = await listen({
    ...shared,
    ...progress.hooks,
    ...(tls === undefined ? {} : { tls }),
    updateReports,
    signal,
  });
  const page = examination.url.replace(/^ws/, 'http');
  const how = command.length === 0 ? `Page: ${page}/. Ctrl-C ends the run.` : 'The run is over when the command ends.';
  const cases = `${selected.length} case${selected.length === 1 ? '' : 's'}`;
  print(`Listening on ${examination.url} for clients, with ${cases}. ${how}\n`, terminal);
  const client = command.length === 0 ? undefined : driveClient(command, examination, terminal);
  try {
    for await (const result of examination) {
      const results = examination.results.get(result.agent) ?? new Map<string, CaseResult>();
      progress.show(result, { name: result.agent, selected, results });
    }
  } catch (error) {
    // An abort is the normal end of the run, unless a client ends it with /stopServer.
    if (!signal.aborted) throw error;
  } finally {
    progress.clear();
    await client?.stop();
  }
  await written;
  // With results, the report tells how the client ended.
  if (examination.results.size === 0 && client?.ending !== undefined) terminal.err(`${client.ending}\n`);
  const report = reportOf(examination.results);
  const agents = report.agents.map((agent) => whyMissing(agent, client?.ending));
  return finish({ ...report, agents, ended: client?.ending }, settings, { measure, terminal, keep });
}

/** Adds to an agent with missing cases the reason why they are missing. */
function whyMissing(agent: AgentReport, ending: string | undefined): AgentReport {
  const missing = agent.selected.some((id) => !agent.results.has(id));
  return missing && ending !== undefined ? { ...agent, ended: ending } : agent;
}

async function listen(run: ClientRun): Promise<ClientExamination> {
  try {
    return await runClientCases(run);
  } catch (error) {
    if (error instanceof CannotRunError) throw error;
    // Node refuses an invalid certificate or key when it creates the server.
    throw new CommandError(`The certificate or its key cannot be used: ${wordsOf(error)}.`);
  }
}

/** Checks the outputs, and reads the baseline, before a run that would otherwise be in vain. */
async function prepare(settings: Settings, terminal: Terminal): Promise<Measure> {
  const { out, junit, badge, baseline, strict, ignored } = settings;
  await orCommandError(checkWritable(out), `The report cannot be written to ${out}`);
  if (junit !== undefined) await orCommandError(checkFileWritable(junit), 'The JUnit file cannot be written');
  if (badge !== undefined) await orCommandError(checkFileWritable(badge), 'The badge cannot be written');
  if (ignored.length > 0) terminal.err(`Without effect here: ${ignored.join(', ')} of the spec file.\n`);
  return { strict, baseline: baseline === undefined ? undefined : baselineOf(baseline) };
}

function baselineOf(path: string): Measure['baseline'] {
  const text = String(readFile(path));
  try {
    const agents = readBaseline(text);
    if (agents.size === 0) throw new Error('it names no agent');
    return agents;
  } catch (error) {
    throw new CommandError(`The baseline ${path} is no index.json: ${wordsOf(error)}.`);
  }
}

async function orCommandError(work: Promise<void>, what: string): Promise<void> {
  try {
    await work;
  } catch (error) {
    throw new CommandError(`${what}: ${wordsOf(error)}.`);
  }
}

/** Returns the agent without the cases that the spec file excludes for it. */
function withoutExcluded(agent: AgentReport, { excludeFor }: Settings): AgentReport {
  const excluded = Object.entries(excludeFor).flatMap(([name, ids]) => (matchesAny(agent.name, [name]) ? ids : []));
  const isExcluded = (id: string): boolean => matchesAny(id, excluded);
  return {
    ...agent,
    selected: agent.selected.filter((id) => !isExcluded(id)),
    results: new Map([...agent.results].filter(([id]) => !isExcluded(id))),
  };
}

/** Adds their URLs to the names of servers that have the same name. */
function withDistinctNames(report: Report, { servers }: ServerSettings): Report {
  const names = report.agents.map(({ name }) => name);
  const agents = report.agents.map((agent, at) => {
    if (names.indexOf(agent.name) === names.lastIndexOf(agent.name)) return agent;
    const name = `${agent.name} at ${servers[at].url}`;
    return {
      ...agent,
      name,
      results: new Map([...agent.results].map(([id, result]) => [id, { ...result, agent: name }])),
    };
  });
  return { ...report, agents };
}

/** Writes the report, prints a summary, and returns the exit status. */
async function finish(
  report: Report,
  settings: Settings,
  { measure, terminal, keep }: { measure: Measure; terminal: Terminal; keep: Keep },
): Promise<number> {
  const { out, junit, badge } = settings;
  const refused = refusals(report, measure);
  await orCommandError(keep(report, out), 'The report cannot be written');
  if (junit !== undefined) {
    await orCommandError(writeWhole(junit, junitXml(report, refused)), 'The JUnit file cannot be written');
  }
  if (badge !== undefined) {
    await orCommandError(writeWhole(badge, badgeJson(report, refused)), 'The badge cannot be written');
  }
  for (const text of [summary(report, refused, terminal.width), `Report: ${join(out, 'index.html')}\n`])
    print(text, terminal);
  return exitStatus(report, refused);
}
