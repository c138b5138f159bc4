// The entry `wsimd/conformance` examines any WebSocket server or client, and yields a result for each case.

export type { AgentResults, ClientExamination, ClientRun } from './client-run.js';
export { runClientCases } from './run-client-cases.js';
export { runServerCases } from './run-server-cases.js';
export { ServerDiedError, type ServerRun } from './server-plan.js';
export * from './result.js';
export type { Selection } from './select.js';
export { CannotRunError, matchesAny, selectCases } from './select.js';
