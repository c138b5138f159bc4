import { describe, expect, test } from 'vitest';
import { FrameDecoder } from '../../src/codec/frame-decoder.js';
import { Role } from '../../src/spec/frame.js';
import { Violation } from '../../src/spec/violation.js';
import { hex, octets } from '../support/events.js';
import { playEveryWay, playPromptly } from '../support/feeder.js';
import { frameDecoder, KERNELS } from '../support/our-decoders.js';
import { decodeReference } from '../support/reference-decoder.js';
import { VECTORS } from '../vectors/index.js';
describe.each(KERNELS)('FrameDecoder on $name', (kernels) => {
    for (const { name, section, role, options, wire, events } of VECTORS) {
        test(`${section} ${name}`, () => {
            const all = { role, ...options };
            playEveryWay(octets(wire), all, events, (given) => frameDecoder(given, kernels));
            if (wire.length < 1000)
                playPromptly(octets(wire), all, (given) => frameDecoder(given, kernels), decodeReference);
        });
    }
    test('5.2 judges every two-octet header in every fragment state as the reference does', () => {
        // Before the header: nothing, or an open message.
        const before = { server: ['', '0180 00000000'], client: ['', '0100'] };
        const rsvs = [0, 0x40];
        for (const role of ['server', 'client']) {
            for (const rsv of rsvs) {
                for (const prefix of before[role]) {
                    const start = octets(prefix);
                    const wire = new Uint8Array(start.length + 2);
                    wire.set(start);
                    for (let header = 0; header < 0x10000; header++) {
                        wire[start.length] = header >> 8;
                        wire[start.length + 1] = header & 0xff;
                        const ours = frameDecoder({ role, rsv }, kernels);
                        ours.feed(wire);
                        const expected = decodeReference(wire, { role, rsv });
                        if (JSON.stringify(ours.events()) !== JSON.stringify(expected)) {
                            expect(ours.events(), `${role}, rsv ${rsv}, ${hex(wire)}`).toEqual(expected);
                        }
                    }
                }
            }
        }
    }, 120_000);
    test('reads one decoder after another has begun: what was not read yet is carried away', () => {
        const first = new FrameDecoder({ role: Role.Client, kernels });
        const second = new FrameDecoder({ role: Role.Client, kernels });
        const chunk = octets('8103 616263  8203 010203  8901 70');
        first.push(chunk);
        expect(first.next()).toBe(true);
        second.push(octets('8102 7a7a'));
        chunk.fill(0xff);
        expect(hex(first.payload())).toBe('616263');
        expect(first.next()).toBe(true);
        expect(hex(first.payload())).toBe('010203');
        expect(second.next()).toBe(true);
        expect(hex(second.payload())).toBe('7a7a');
        expect(first.next()).toBe(true);
        expect(hex(first.payload())).toBe('70');
        expect(first.next()).toBe(false);
        expect(second.next()).toBe(false);
    });
    test('takes in a chunk while an earlier one is not read to its end', () => {
        const decoder = new FrameDecoder({ role: Role.Client, kernels });
        decoder.push(octets('8101 61 8101 62 81'));
        decoder.next();
        decoder.push(octets('01 63'));
        decoder.push(octets('8101 64'));
        const read = [hex(decoder.payload())];
        while (decoder.next())
            read.push(hex(decoder.payload()));
        expect(read).toEqual(['61', '62', '63', '64']);
        expect(decoder.isIdle).toBe(true);
    });
    test('walks more frames than the record table holds, and chunks longer than the arena', () => {
        const decoder = new FrameDecoder({ role: Role.Client, kernels });
        const frames = kernels.recordCapacity * 3 + 5;
        decoder.push(new Uint8Array(Buffer.from('8101'.concat('2a').repeat(frames), 'hex')));
        let count = 0;
        while (decoder.next())
            count += decoder.payload()[0] === 0x2a ? 1 : 0;
        expect(count).toBe(frames);
        const length = kernels.arenaLength * 2 + 77;
        const long = new Uint8Array(10 + length);
        long.set([0x82, 127, 0, 0, 0, 0]);
        new DataView(long.buffer).setUint32(6, length);
        for (let i = 10; i < long.length; i++)
            long[i] = i % 251;
        decoder.push(long);
        const read = [];
        while (decoder.next()) {
            if (decoder.start)
                expect(decoder.frameLength).toBe(length);
            for (const octet of decoder.payload())
                read.push(octet);
        }
        expect(Buffer.compare(Buffer.from(read), Buffer.from(long.subarray(10)))).toBe(0);
    });
    test('hands out payloads that are not WASM memory, and stay as they are', () => {
        const decoder = new FrameDecoder({ role: Role.Client, kernels });
        const kept = [];
        for (let i = 0; i < 50; i++) {
            decoder.push(octets('8203 010203 8204 04050607 8200'));
            while (decoder.next())
                kept.push(decoder.payload());
            kernels.bytes.fill(0xa5, kernels.arenaAddress, kernels.arenaAddress + 64);
        }
        expect(kept.every((payload) => payload.buffer !== kernels.bytes.buffer)).toBe(true);
        expect([...new Set(kept.map(hex))]).toEqual(['010203', '04050607', '']);
    });
    test('7.4.1 turns a trap in a kernel into one violation of this connection', () => {
        const broken = {
            ...kernels,
            scanFrames: () => {
                throw new RangeError('trap');
            },
        };
        const decoder = new FrameDecoder({ role: Role.Client, kernels: broken });
        decoder.push(octets('8100'));
        expect(decoder.next()).toBe(true);
        expect(decoder.violation).toBe(Violation.Internal);
        expect(decoder.next()).toBe(false);
    });
});
