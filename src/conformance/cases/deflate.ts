import type { Case } from '../case.js';
export const DEFLATE_CASES: readonly Case[] = [];
