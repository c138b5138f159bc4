// `node hub.mjs PATH HISTORY` opens a hub of the built package, for tests that kill it.
import { startHub } from '../../dist/topics/brokers/cluster.js';

await startHub({ path: process.argv[2], history: JSON.parse(process.argv[3]) });
