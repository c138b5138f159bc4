// `writeReport` writes the files of a run into a directory, each whole or not at all, and the index last.
import { mkdir, mkdtemp, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { casePage, type CaseLinks, type Link } from './case-page.js';
import { fileNames, type FileNames } from './file-names.js';
import { caseJson, indexJson } from './json.js';
import { overviewPage } from './overview-page.js';
import { allCases, type AgentReport, type Report } from './report.js';

/**
 * Writes index.json, index.html and two files for each result into `directory`, and makes the directory if it is missing. It
 * writes all files to a hidden directory first and then moves them, the index last, so that a reader never sees half a file
 * and an error while writing leaves the old files. Files of other runs stay.
 */
export async function writeReport(report: Report, directory: string): Promise<void> {
  const target = resolve(directory);
  await mkdir(target, { recursive: true });
  // The new files lie inside the directory, so that a rename stays on one file system.
  const staging = await mkdtemp(join(target, '.writing-'));
  try {
    const names: string[] = [];
    for (const [name, text] of reportFiles(report)) {
      await writeFile(join(staging, name), text);
      names.push(name);
    }
    for (const name of names) await rename(join(staging, name), join(target, name));
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** Writes a file, whole or not at all, and makes its directory if it is missing. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const target = resolve(path);
  await mkdir(dirname(target), { recursive: true });
  const staging = await mkdtemp(join(dirname(target), '.writing-'));
  try {
    await writeFile(join(staging, 'file'), text);
    await rename(join(staging, 'file'), target);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/**
 * Rejects where `directory` cannot be written. The caller checks before a long run, which would otherwise be lost. The check
 * makes a directory in the nearest one that exists, and removes it again.
 */
export async function checkWritable(directory: string): Promise<void> {
  for (let path = resolve(directory); ; path = dirname(path)) {
    const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT' || path === dirname(path)) throw error;
      return undefined;
    });
    if (found === undefined) continue;
    if (!found.isDirectory()) throw new Error(`${path} is not a directory`);
    await rmdir(await mkdtemp(join(path, '.writing-')));
    return;
  }
}

/** Rejects where the file `path` cannot be written, and does not make it. */
export async function checkFileWritable(path: string): Promise<void> {
  const target = resolve(path);
  await checkWritable(dirname(target));
  const found = await stat(target).catch(() => undefined);
  if (found?.isDirectory()) throw new Error(`${target} is a directory`);
}

/** All files of a report with their names; the index is last. */
export function* reportFiles(report: Report): Generator<[name: string, text: string]> {
  const files = fileNames(report.agents.map(({ name }) => name));
  for (const agent of report.agents) {
    const ids = allCases({ ...report, agents: [agent] }).filter((id) => agent.results.has(id));
    for (const [at, id] of ids.entries()) {
      const result = agent.results.get(id)!;
      const links: CaseLinks = {
        previous: caseLink(files, agent, ids[at - 1]),
        next: caseLink(files, agent, ids[at + 1]),
        others: otherAgents(report, files, agent, id),
      };
      yield [files.case(agent.name, id, 'json'), caseJson(result)];
      yield [files.case(agent.name, id, 'html'), casePage(result, links)];
    }
  }
  yield ['index.html', overviewPage(report, files)];
  yield ['index.json', indexJson(report, files)];
}

function caseLink(files: FileNames, agent: AgentReport, id: string | undefined): Link | undefined {
  return id === undefined ? undefined : { text: id, href: files.case(agent.name, id, 'html') };
}

function otherAgents(report: Report, files: FileNames, own: AgentReport, id: string): Link[] {
  return report.agents
    .filter((agent) => agent !== own && agent.results.has(id))
    .map(({ name }) => ({ text: name, href: files.case(name, id, 'html') }));
}
