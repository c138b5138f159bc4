/**
 * Reads the JSON report of a run of tests for `.ci/run`: prints how many passed, failed and were skipped, and appends
 * each failed test, with the beginning of its messages, to a file.
 *
 *   node scripts/read-report.mjs REPORT FAILURES
 */
import { appendFileSync, readFileSync } from 'node:fs';

const [report, failures] = process.argv.slice(2);
// A run that ended before it wrote its report leaves the file empty; a report that is cut ends this program with an error.
const run = JSON.parse(readFileSync(report, 'utf8') || '{}');
const { numPassedTests = 0, numFailedTests = 0, numPendingTests = 0, testResults = [] } = run;
console.log(numPassedTests, numFailedTests, numPendingTests);

/** Characters of the messages of one test. */
const LONGEST = 2000;
for (const file of testResults) {
  const failed = file.assertionResults.filter((test) => test.status === 'failed');
  for (const test of failed) {
    const message = test.failureMessages.join('\n').slice(0, LONGEST);
    appendFileSync(failures, `failed: ${file.name} > ${test.fullName}\n${message}\n`);
  }
  // A file that fails by itself, as by an import, has no failed test.
  if (file.status === 'failed' && failed.length === 0) {
    appendFileSync(failures, `failed: ${file.name}\n${(file.message ?? '').slice(0, LONGEST)}\n`);
  }
}
