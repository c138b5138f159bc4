// The fault rows that take long, or tools of the system -> for each, what this library did beside what ws 8.23.0 did, one line
// of counts, and the exit status. `npm run faults -- D08 E10` runs only those.
import { fork, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { constants, deflateRawSync } from 'node:zlib';

const ROOT = new URL('../../', import.meta.url);
const MODULES = {
  ws: new URL('node_modules/ws/wrapper.mjs', ROOT).href,
  wsimd: new URL('dist/index.js', ROOT).href,
};
const PROGRAM = fileURLToPath(new URL('support/subject.mjs', import.meta.url));
const LIMIT = 60_000;
const HEAD =
  'GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n';

const children = new Set();
const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** A process with a module in it, or none, that runs functions; see support/subject.mjs. */
async function start(moduleUrl, flags = []) {
  const child = fork(PROGRAM, moduleUrl === undefined ? [] : [moduleUrl], {
    execArgv: ['--expose-gc', '--trace-warnings', ...flags],
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
  children.add(child);
  let complaints = '';
  child.stderr.on('data', (chunk) => (complaints += chunk.toString()));
  const waiting = new Map();
  child.on('message', ({ id, value, error }) => {
    const { resolve, reject } = waiting.get(id) ?? {};
    waiting.delete(id);
    if (error === undefined) resolve?.(value);
    else reject(new Error(error));
  });
  child.on('exit', () => {
    children.delete(child);
    for (const { reject } of waiting.values()) reject(new Error(`the process has ended: ${complaints.slice(0, 300)}`));
  });
  await Promise.race([once(child, 'message'), once(child, 'exit')]);
  let next = 0;
  return {
    child,
    get complaints() {
      return complaints;
    },
    do: (work, ...args) =>
      new Promise((resolve, reject) => {
        waiting.set(next, { resolve, reject });
        child.send({ id: next++, text: work.toString(), args });
      }),
    stop: () => child.kill('SIGKILL'),
  };
}

/** A masked frame with a key of zeros. */
function frame(first, payload, announce = payload.length) {
  const header = Buffer.alloc(14);
  header[0] = first;
  header[1] = 0xff;
  header.writeBigUInt64BE(BigInt(announce), 2);
  if (announce < 126) return Buffer.concat([Buffer.of(first, 0x80 | announce, 0, 0, 0, 0), payload]);
  if (announce < 65_536) {
    return Buffer.concat([Buffer.of(first, 0xfe, announce >> 8, announce & 255, 0, 0, 0, 0), payload]);
  }
  return Buffer.concat([header, payload]);
}

/** A socket whose opening handshake has been answered. */
async function open(port) {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
  socket.on('error', () => {});
  socket.write(HEAD);
  const [answer] = await once(socket, 'data');
  if (!answer.toString().startsWith('HTTP/1.1 101')) throw new Error(`no 101: ${answer.toString().slice(0, 40)}`);
  return socket;
}

/** Makes the next writev of a process fail. Undefined, with the reason printed, where strace cannot. */
async function failNextWrite(pid, error) {
  if (spawnSync('strace', ['-V']).error) return 'strace is not installed';
  const strace = spawn('strace', ['-f', '-p', String(pid), '-e', `inject=writev:error=${error}:when=1`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  children.add(strace);
  const [said] = await Promise.race([once(strace.stderr, 'data'), once(strace, 'exit').then(() => ['exit'])]);
  if (!said.toString().includes('attached')) return `strace cannot attach: ${said.toString().slice(0, 100)}`;
  strace.stderr.resume();
  return () => strace.kill();
}

async function writeFails(module, error) {
  const subject = await start(module);
  const port = await subject.do((room) => room.serve());
  const sockets = [await open(port), await open(port)];
  await subject.do((room) => room.until(() => room.records.length === 2));
  const detach = await failNextWrite(subject.child.pid, error);
  if (typeof detach === 'string') return { skipped: detach };
  const [first, second] = await subject.do(async (room) => {
    room.send(room.records[0], Buffer.alloc(100_000), { compress: false });
    await room.until(() => room.records[0].closes.length > 0);
    room.send(room.records[1], Buffer.alloc(100_000), { compress: false });
    await room.until(() => room.records[1].told.length === 1);
    return room.records.map(room.facts);
  });
  detach();
  for (const socket of sockets) socket.destroy();
  subject.stop();
  const holds =
    first.closes.join() === '1006' && first.failed === 1 && second.failed === 0 && second.closes.length === 0;
  return {
    holds,
    says: `close ${first.closes.join()}, ${first.failed} callback with an error; the other is ${second.closes.length ? 'closed' : 'open'}`,
  };
}

const SCENARIOS = [
  {
    title:
      'H01 compressed text that is longer than a string can be ends its connection, with 1009, and not the process',
    async run(module) {
      const subject = await start(module);
      const port = await subject.do((room) =>
        room.serve({ text: 'string', maxPayload: 0, perMessageDeflate: true }, { echo: true }),
      );
      const [socket, other] = [await open(port), await open(port)];
      const text = deflateRawSync(Buffer.alloc(540 * 1024 * 1024, 'a'), { finishFlush: constants.Z_SYNC_FLUSH });
      // Masked with a key that is zero.
      const header = Buffer.alloc(14);
      header.set([0xc1, 0xff]);
      header.writeUInt32BE(text.length - 4, 6);
      socket.write(header);
      socket.write(text.subarray(0, -4));
      const [answer] = await Promise.race([once(socket, 'data'), once(socket, 'close')]);
      other.write(Buffer.from([0x81, 0x80, 0, 0, 0, 0]));
      const [echo] = await Promise.race([once(other, 'data'), once(other, 'close')]);
      const said = answer instanceof Uint8Array ? answer.toString('hex', 0, 4) : 'nothing';
      subject.stop();
      return {
        holds: said === '880203f1' && echo instanceof Uint8Array,
        says: `answers ${said}; another connection ${echo instanceof Uint8Array ? 'has its echo' : 'is lost'}`,
      };
    },
  },
  {
    title: 'D08 a peer that floods does not starve the others',
    async run(module, earlier) {
      const subject = await start(module);
      const port = await subject.do((room) => room.serve({}, { echo: true }));
      const flooder = await start(undefined);
      await flooder.do(
        async ({ net }, port, head, octets) => {
          const socket = net.connect(port, '127.0.0.1');
          socket.on('error', () => {});
          socket.write(head);
          await new Promise((resolve) => socket.once('data', resolve));
          socket.resume();
          const chunk = Buffer.concat(Array.from({ length: 8000 }, () => Buffer.from(octets, 'base64')));
          const flood = () => {
            while (socket.writable && socket.write(chunk));
          };
          socket.on('drain', flood);
          flood();
        },
        port,
        HEAD,
        frame(0x8a, Buffer.alloc(2)).toString('base64'),
      );
      const times = [];
      await Promise.all(
        Array.from({ length: 20 }, async () => {
          const socket = await open(port);
          for (let i = 0; i < 50; i++) {
            const began = performance.now();
            socket.write(frame(0x81, Buffer.from('hello')));
            await once(socket, 'data');
            times.push(performance.now() - began);
            await wait(20);
          }
          socket.destroy();
        }),
      );
      flooder.stop();
      subject.stop();
      const p99 = times.sort((a, b) => a - b)[Math.floor(times.length * 0.99)];
      return {
        holds: p99 < Math.max(100, 2 * (earlier?.p99 ?? Infinity)),
        says: `p99 of an echo ${p99.toFixed(1)} ms`,
        p99,
      };
    },
  },
  {
    title: 'E07 a message of 300,000 bytes, each a packet of its own',
    async run(module) {
      const subject = await start(module);
      const port = await subject.do((room) => room.serve({}, { echo: false }));
      const socket = await open(port);
      const octets = frame(0x82, Buffer.alloc(300_000, 1));
      for (let at = 0; at < octets.length && !socket.destroyed; at++) {
        if (!socket.write(octets.subarray(at, at + 1)) || at % 8 === 0) await new Promise(setImmediate);
      }
      const facts = await subject.do(async (room) => {
        await room.until(() => room.records[0].messages > 0 || room.records[0].errors.length > 0);
        return room.facts(room.records[0]);
      });
      socket.destroy();
      subject.stop();
      return { holds: facts.octets === 300_000, says: facts.errors.join() || `delivered ${facts.octets} bytes` };
    },
  },
  {
    title: 'E08 100 peers that are killed',
    async run(module) {
      const subject = await start(module);
      const port = await subject.do((room) => room.serve());
      const peer = await start(undefined);
      await peer.do(
        (room, port, head) => {
          for (let i = 0; i < 100; i++)
            room.net
              .connect(port, '127.0.0.1')
              .on('error', () => {})
              .write(head);
        },
        port,
        HEAD,
      );
      await subject.do((room) => room.until(() => room.records.length === 100));
      const began = performance.now();
      peer.stop();
      const closes = await subject.do(async (room) => {
        await room.until(() => room.records.every((record) => record.closes.length > 0));
        return room.records.map((record) => record.closes.join());
      });
      const took = performance.now() - began;
      subject.stop();
      return {
        holds: closes.every((code) => code === '1006') && took < 2000,
        says: `100 closed in ${took.toFixed()} ms`,
      };
    },
  },
  { title: 'E10 a write that fails with EPIPE ends one connection', run: (module) => writeFails(module, 'EPIPE') },
  { title: 'F02 a write that fails with ENOMEM ends one connection', run: (module) => writeFails(module, 'ENOMEM') },
  {
    title: 'F05 every attack at once in a heap of 64 MiB',
    async run(module) {
      const subject = await start(module, ['--max-old-space-size=64']);
      const port = await subject.do((room) =>
        room.serve({ perMessageDeflate: true, maxPayload: 8 << 20 }, { echo: false }),
      );
      const bomb = frame(0xc2, deflateRawSync(Buffer.alloc((8 << 20) - 1), { finishFlush: 2 }).subarray(0, -4));
      const fragments = Buffer.concat([
        frame(0x02, Buffer.alloc(1)),
        ...Array.from({ length: 60_000 }, () => frame(0, Buffer.alloc(1))),
      ]);
      const pings = Buffer.concat(Array.from({ length: 10_000 }, () => frame(0x89, Buffer.alloc(125, 1))));
      const attacks = [bomb, fragments, pings, frame(0x82, Buffer.alloc(1), 8 << 20)];
      const sockets = [];
      for (let i = 0; i < 80; i++) {
        const socket = await open(port);
        socket.pause();
        socket.write(attacks[i % attacks.length]);
        sockets.push(socket);
      }
      await wait(5000);
      const good = await open(port);
      good.write(frame(0x81, Buffer.from('hello')));
      const { delivered, rss } = await subject.do(async (room) => {
        const delivered = await room.until(() => room.records[80].messages === 1);
        return { delivered, rss: (await room.memory()).rss };
      });
      for (const socket of [...sockets, good]) socket.destroy();
      subject.stop();
      return { holds: delivered, says: `alive, ${(rss / 2 ** 20).toFixed()} MiB resident` };
    },
  },
  {
    title: 'H12 loading the library',
    async run(module, earlier) {
      const program = `const began = performance.now(); await import(${JSON.stringify(module)}); console.log(performance.now() - began);`;
      const times = Array.from({ length: 5 }, () =>
        Number(spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' }).stdout),
      );
      const best = Math.min(...times);
      return { holds: best < 50 + 3 * (earlier?.best ?? 0), says: `${best.toFixed(1)} ms`, best };
    },
  },
];

/** What a scenario comes to, a crash of the subject and too long a time included. */
async function outcome(scenario, name, earlier) {
  let timer;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, LIMIT, { holds: false, says: `not done after ${LIMIT / 1000} s` });
  });
  try {
    return await Promise.race([scenario.run(MODULES[name], earlier), late]);
  } catch (error) {
    return { holds: false, says: error.message.split('\n')[0] };
  } finally {
    clearTimeout(timer);
    for (const child of children) child.kill('SIGKILL');
  }
}

const asked = process.argv.slice(2);
const counts = { held: 0, failed: 0, skipped: 0 };
for (const scenario of SCENARIOS) {
  if (asked.length > 0 && !asked.some((id) => scenario.title.startsWith(id))) continue;
  // ws goes first: what it does is what some of ours is measured by.
  const theirs = await outcome(scenario, 'ws');
  const ours = await outcome(scenario, 'wsimd', theirs);
  const verdict = ours.skipped !== undefined ? 'skipped' : ours.holds ? 'held' : 'failed';
  counts[verdict]++;
  console.log(`${verdict.padEnd(8)}${scenario.title}`);
  console.log(`          wsimd: ${ours.skipped ?? ours.says}`);
  console.log(`          ws:    ${theirs.skipped ?? theirs.says}`);
}
console.log(`faults: ${counts.held} held, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exit(counts.failed > 0 ? 1 : 0);
