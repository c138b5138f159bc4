// `ALL_CASES` are all cases in order: the 517 of the classic suite, then the groups of this suite.

import type { Case } from '../case.js';
import { CLOSING_CASES } from './closing.js';
import { COMPRESSION_CASES } from './compression.js';
import { DEFLATE_CASES } from './deflate.js';
import { FRAGMENTATION_CASES } from './fragmentation.js';
import { FRAMING_CASES } from './framing.js';
import { HANDSHAKE_CASES } from './handshake.js';
import { LIMIT_CASES } from './limits.js';
import { STRICTNESS_CASES } from './strictness.js';
import { UTF8_CASES } from './utf8.js';

export const CLASSIC_CASES: readonly Case[] = [
  ...FRAMING_CASES,
  ...FRAGMENTATION_CASES,
  ...UTF8_CASES,
  ...CLOSING_CASES,
  ...LIMIT_CASES,
  ...COMPRESSION_CASES,
];

export const ALL_CASES: readonly Case[] = [...CLASSIC_CASES, ...HANDSHAKE_CASES, ...DEFLATE_CASES, ...STRICTNESS_CASES];
