// Cases of our own: see the group's title.
import type { Case } from '../case.js';
export const STRICTNESS_CASES: readonly Case[] = [];
