// A measured program's side of the talk with the bench that started it: settings in, the port, its own counts and its own
// processor time out.

/** What the program was asked to do: `{ work: 'echo' | 'broadcast' | 'loop', burst, length, isJson, tls, deflate }`, and whatever it adds. */
export const settings = JSON.parse(process.argv[2] ?? '{}');

/** Units of work done so far; the program counts them itself, so that they fit its processor time to the microsecond. */
export const done = { count: 0 };

/** Further questions, each with the function that answers it. */
export const answers = {};

process.on('message', async (question) => {
  if (Object.hasOwn(answers, question)) process.send(await answers[question]());
  else if (question === 'usage') {
    const { user, system } = process.cpuUsage();
    const resident = process.memoryUsage().rss;
    const peak = process.resourceUsage().maxRSS * 1024;
    process.send({ count: done.count, micros: user + system, resident, peak });
  } else if (question === 'memory') {
    // The second collection frees what finalizers held; threads of their own then hand pages back to the system.
    globalThis.gc?.();
    globalThis.gc?.();
    setTimeout(() => process.send({ resident: process.memoryUsage.rss() }), 500);
  }
});
process.on('disconnect', () => process.exit());

/** Says that the program is ready, and on which port it listens. */
export function ready(port) {
  process.send({ port });
}
