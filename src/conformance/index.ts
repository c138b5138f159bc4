// The door `wsimd/conformance`: examines any WebSocket server or client and yields a result for each case.

export type { AgentResults, ClientExamination, ClientRun } from './run-client-cases.js';
export { runClientCases } from './run-client-cases.js';
export type { ServerRun } from './run-server-cases.js';
export { runServerCases, ServerDiedError } from './run-server-cases.js';
export * from './result.js';
export type { Selection } from './select.js';
export { CannotRunError, matchesAny, selectCases } from './select.js';
