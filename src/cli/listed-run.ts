// `examineListed` starts a testee of a list, examines it, and returns the report instead of writing it.

import { createServer, type AddressInfo } from 'node:net';
import { selectCases } from '../conformance/index.js';
import type { AgentReport, Report } from '../conformance/report/report.js';
import type { Terminal } from './terminal.js';
import type { ListedTestee } from './testee-list.js';

/** Receives a report, as `writeReport` does. */
export type Keep = (report: Report, directory: string) => Promise<void>;

/** Runs `wsimd conformance` with arguments; `keep` receives the report in place of `writeReport`. */
export type Run = (args: string[], terminal: Terminal, signal: AbortSignal, keep: Keep) => Promise<number>;

/** The parts that every run of a list has in common. */
export interface Runner {
  terminal: Terminal;
  signal: AbortSignal;
  run: Run;
}

/** Ids and patterns of the cases that a list runs. */
interface Wanted {
  cases: readonly string[];
  exclude: readonly string[];
}

/**
 * Examines one testee once.
 * @returns its part of the report, without results for a client that ran no case
 * @throws CommandError when it cannot be started
 */
export async function examineListed(
  { name, role, command, path }: ListedTestee,
  { cases, exclude }: Wanted,
  { terminal, signal, run }: Runner,
): Promise<AgentReport> {
  const port = String(await freePort());
  const target = role === 'server' ? [`ws://127.0.0.1:${port}${path}`, '--agent', name] : ['--port', port];
  const selection = ['--cases', cases.join(','), ...(exclude.length > 0 ? ['--exclude', exclude.join(',')] : [])];
  const start = command.map((word) => word.replaceAll('{port}', port));
  let last: Omit<Report, 'written'> = { agents: [] };
  const keep = (report: Report): Promise<void> => {
    last = report;
    return Promise.resolve();
  };
  const before = process.env.WSIMD_AGENT;
  process.env.WSIMD_AGENT = name;
  try {
    const quiet = { ...terminal, out: () => undefined };
    await run([role, ...target, ...selection, '--', ...start], quiet, signal, keep);
  } finally {
    if (before === undefined) delete process.env.WSIMD_AGENT;
    else process.env.WSIMD_AGENT = before;
  }
  const { agents, ended } = last;
  const nothing = (): AgentReport => {
    const selected = selectCases({ cases, exclude }, role).map(({ id }) => id);
    return { name, selected, results: new Map(), ended };
  };
  return agents.find((agent) => agent.name === name) ?? agents[0] ?? nothing();
}

/** Returns a port on which nothing listens now. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
