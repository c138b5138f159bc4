// `fileNames` makes the names of files of agents and cases, in the classic pattern `agent_case_2_7.json`.

/** The names of the files of one run. */
export interface FileNames {
  case(agent: string, id: string, extension: 'html' | 'json'): string;
}

/**
 * The names for these agents. The classic pattern keeps only a-z and 0-9, so that two agents, such as `ws/8.23.0` and
 * `ws-8.23.0`, can have the same name. The later agent then gets a number; the classic suite overwrote the earlier one's files.
 */
export function fileNames(agents: readonly string[]): FileNames {
  const stems = new Map<string, string>();
  const taken = new Set<string>();
  for (const agent of agents) {
    // The testee chooses its name. The cut keeps file names within the file system's limit of 255 bytes.
    const stem = agent
      .trim()
      .toLowerCase()
      .replace(/[^a-z0-9]/g, '_')
      .slice(0, 120);
    let free = stem;
    for (let count = 2; taken.has(free); count++) free = `${stem}_${count}`;
    taken.add(free);
    stems.set(agent, free);
  }
  return {
    case: (agent, id, extension) => `${stems.get(agent)}_case_${id.replaceAll('.', '_')}.${extension}`,
  };
}
