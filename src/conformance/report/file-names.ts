// `fileNames` names the files of agents and cases, in the classic pattern `agent_case_2_7.json`.

/** Names the files of one run. */
export interface FileNames {
  case(agent: string, id: string, extension: 'html' | 'json'): string;
}

/**
 * Names for the given agents. The classic pattern keeps only a-z and 0-9, so that two agents can come out the same
 * (`ws/8.23.0` and `ws-8.23.0`); the later one then gets a number, where the classic suite overwrote the earlier one's files.
 */
export function fileNames(agents: readonly string[]): FileNames {
  const stems = new Map<string, string>();
  const taken = new Set<string>();
  for (const agent of agents) {
    // Cut so that no name of a testee's choice runs into the file system's limit of 255 bytes.
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
