import type { Case } from '../case.js';
export const STRICTNESS_CASES: readonly Case[] = [];
