import type { Case } from '../case.js';
export const HANDSHAKE_CASES: readonly Case[] = [];
