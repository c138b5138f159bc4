import { expect, it, describe } from 'vitest';
import { PHASE_STOPPED, STATE_HELD, STATE_PHASE, STATE_RECORDS } from '../../src/spec/record.js';
import { octets } from '../support/events.js';
import { kernelSets } from '../support/kernel-sets.js';

describe.each(kernelSets)('scanFrames on $name', (kernels) => {
  it('takes in everything and tells nothing once it has stopped', () => {
    const { words, stateAddress, arenaAddress } = kernels;
    const wire = octets('8101 61 8300');
    kernels.bytes.set(wire, arenaAddress);
    words[(stateAddress + STATE_PHASE) >>> 2] = PHASE_STOPPED;
    words[(stateAddress + STATE_HELD) >>> 2] = 0;
    words[(stateAddress + STATE_RECORDS) >>> 2] = 7;
    expect(kernels.scanFrames(arenaAddress, arenaAddress + wire.length, 0, 100)).toBe(arenaAddress + wire.length);
    expect(words[(stateAddress + STATE_RECORDS) >>> 2]).toBe(0);
    expect(words[(stateAddress + STATE_PHASE) >>> 2]).toBe(PHASE_STOPPED);
  });
});
