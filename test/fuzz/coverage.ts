// What has run since the last look becomes features: the blocks of the library's own code, each with how often, roughly.
import { Session, type Profiler } from 'node:inspector';

export class Coverage {
  private readonly session = new Session();

  /** @param url the file that holds the library's code */
  constructor(private readonly url: string) {
    this.session.connect();
    this.session.post('Profiler.enable');
    this.session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** Adds to `seen` what has run since the last look; whether there was anything new. */
  look(seen: Set<string>): boolean {
    const before = seen.size;
    this.session.post('Profiler.takePreciseCoverage', (_error, answer: Profiler.TakePreciseCoverageReturnType) => {
      const script = answer.result.find(({ url }) => url === this.url);
      if (script === undefined) return;
      for (const { ranges } of script.functions) {
        for (const { startOffset, endOffset, count } of ranges) {
          if (count > 0) seen.add(`${startOffset}-${endOffset}:${Math.floor(Math.log2(count))}`);
        }
      }
    });
    return seen.size > before;
  }
}
