import { beforeEach, describe, expect, test } from 'vitest';
import { Turn, Turns } from '../../../src/node/deflate/turns.js';
let queue;
/** What the jobs did, in order. */
let done;
/** A job that answers with what it is given, and is done after that. */
class Steps {
    concurrencyLimit;
    name;
    #turns;
    constructor(name, turns, concurrencyLimit = 10) {
        this.name = name;
        this.#turns = turns;
        this.concurrencyLimit = concurrencyLimit;
    }
    step() {
        done.push(this.name);
        return this.#turns.shift() ?? Turn.Done;
    }
    settle() {
        done.push(`${this.name}.`);
    }
}
/** A job of large output: it claims room in its first step and asks for a second. */
class Large extends Steps {
    #claimed = false;
    step() {
        if (!this.#claimed && !queue.claimLarge(this)) {
            done.push(`${this.name}?`);
            return Turn.Blocked;
        }
        if (this.#claimed)
            return super.step();
        this.#claimed = true;
        return Turn.Elsewhere;
    }
}
async function idle() {
    for (let turn = 0; turn < 5; turn += 1)
        await new Promise((resolve) => setImmediate(resolve));
}
beforeEach(() => {
    queue = new Turns();
    done = [];
});
describe('a queue of jobs', () => {
    test('calls no job before the turn of the event loop is over', async () => {
        queue.enter(new Steps('a', []));
        expect(done).toEqual([]);
        expect(queue.count).toBe(1);
        await idle();
        expect(done).toEqual(['a', 'a.']);
        expect(queue.count).toBe(0);
    });
    test('lets jobs take turns', async () => {
        queue.enter(new Steps('a', [Turn.Again, Turn.Again]));
        queue.enter(new Steps('b', [Turn.Again]));
        await idle();
        expect(done).toEqual(['a', 'b', 'a', 'b', 'b.', 'a', 'a.']);
    });
    test('has no more jobs under way than concurrencyLimit, first come, first served', async () => {
        for (const name of ['a', 'b', 'c'])
            queue.enter(new Steps(name, [Turn.Again], 1));
        await idle();
        expect(done).toEqual(['a', 'a', 'a.', 'b', 'b', 'b.', 'c', 'c', 'c.']);
    });
    test('lets two jobs produce large output, and the others wait for it in their order', async () => {
        const jobs = ['a', 'b', 'c', 'd', 'e'].map((name) => new Large(name, []));
        for (const job of jobs)
            queue.enter(job);
        await idle();
        expect(done).toEqual(['c?', 'd?', 'e?']);
        queue.done(jobs[1]);
        await idle();
        expect(done.splice(0)).toEqual(['c?', 'd?', 'e?', 'b.']);
        queue.leave(jobs[0]);
        queue.leave(jobs[2]);
        await idle();
        expect(queue.claimLarge(jobs[0])).toBe(false);
        expect(queue.count).toBe(2);
        for (const job of jobs)
            queue.leave(job);
        expect(queue.count).toBe(0);
        expect(queue.claimLarge(jobs[0])).toBe(true);
    });
    test('forgets a job that leaves, wherever it stands', async () => {
        const running = new Steps('running', Array.from({ length: 1e6 }, () => Turn.Again), 2);
        const elsewhere = new Steps('elsewhere', [Turn.Elsewhere], 2);
        const waiting = new Steps('waiting', [], 2);
        for (const job of [running, elsewhere, waiting])
            queue.enter(job);
        await new Promise((resolve) => setImmediate(resolve));
        expect(done).toContain('running');
        expect(queue.count).toBe(3);
        for (const job of [waiting, running, elsewhere])
            queue.leave(job);
        expect(queue.count).toBe(0);
        done = [];
        await idle();
        expect(done).toEqual([]);
    });
    test('asks for no turn while all that is under way is elsewhere', async () => {
        const elsewhere = new Steps('elsewhere', [Turn.Elsewhere], 1);
        queue.enter(elsewhere);
        queue.enter(new Steps('next', [], 1));
        await idle();
        expect(done).toEqual(['elsewhere']);
        queue.done(elsewhere);
        await idle();
        expect(done).toEqual(['elsewhere', 'elsewhere.', 'next', 'next.']);
    });
    test('goes on after a result whose receiver throws', async () => {
        const thrown = [];
        const listeners = process.listeners('uncaughtException');
        process.removeAllListeners('uncaughtException');
        process.once('uncaughtException', (error) => thrown.push(error));
        const throwing = new Steps('throwing', []);
        throwing.settle = () => {
            throw new Error('from the receiver');
        };
        queue.enter(throwing);
        queue.enter(new Steps('next', []));
        await idle();
        for (const listener of listeners)
            process.on('uncaughtException', listener);
        expect(thrown).toEqual([new Error('from the receiver')]);
        expect(done).toEqual(['throwing', 'next', 'next.']);
    });
    test('takes a job back that enters again while it hands over its result', async () => {
        const job = new Steps('a', []);
        job.settle = () => {
            if (done.length < 3)
                queue.enter(job);
        };
        queue.enter(job);
        await idle();
        expect(done).toEqual(['a', 'a', 'a']);
        expect(queue.count).toBe(0);
    });
});
