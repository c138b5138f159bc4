// npm run test:planted: one project for each planted bug, whose source is changed as it is loaded; all named tests must fail.
import { defineConfig, type ViteUserConfig } from 'vitest/config';
import type { Reporter, TestCase } from 'vitest/node';
import all from '../../vitest.config.js';
import { PLANTED_BUGS, type PlantedBug } from './planted-bugs.js';

const root = new URL('../..', import.meta.url).pathname;
const nameOf = ({ commit, what }: PlantedBug): string => `${commit} ${what}`;
const planted = new Set<string>();
const caught = new Set<string>();

function plant(bug: PlantedBug): NonNullable<ViteUserConfig['plugins']>[number] {
  return {
    name: 'plant',
    enforce: 'pre',
    transform(code, id) {
      if (!id.endsWith(bug.file)) return undefined;
      if (code.split(bug.from).length !== 2) throw new Error(`${bug.file} does not hold "${bug.from}" once`);
      planted.add(nameOf(bug));
      return code.replace(bug.from, () => bug.to);
    },
  };
}

const reporter: Reporter = {
  onTestCaseResult(test: TestCase) {
    const { project, fullName } = test;
    const bug = PLANTED_BUGS.find((bug) => nameOf(bug) === project.name)!;
    if (fullName.includes(bug.test[1]) && test.result().state === 'failed') caught.add(project.name);
  },
  onTestRunEnd() {
    const missed = PLANTED_BUGS.map(nameOf).filter((name) => !caught.has(name));
    console.log(`${PLANTED_BUGS.length} planted bugs, ${PLANTED_BUGS.length - missed.length} caught by their test`);
    for (const name of missed) console.log(`${planted.has(name) ? 'not caught' : 'not planted'}: ${name}`);
    // The tests have failed, as they should.
    process.on('exit', () => (process.exitCode = missed.length === 0 ? 0 : 1));
  },
};

const config: ViteUserConfig = defineConfig({
  root,
  resolve: all.resolve,
  test: {
    reporters: [reporter],
    projects: PLANTED_BUGS.map((bug) => ({
      root,
      resolve: all.resolve,
      plugins: [plant(bug)],
      test: { name: nameOf(bug), include: [bug.test[0]], testTimeout: 60_000 },
    })),
  },
});
export default config;
