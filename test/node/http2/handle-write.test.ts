// How Node hands bytes to the handles of streams is learned from its first write; where that shows anything else, streams are written to.
import { Duplex } from 'node:stream';
import { expect, test } from 'vitest';
import { HandleWriter, type HandedChunk } from '../../../src/node/http2/handle-write.js';

interface Request {
  oncomplete?: (this: Request, status: number) => void;
  callback?: (error?: Error | null) => void;
  buffer?: Uint8Array;
}

/** The parts in which Nodes differ. */
interface Node {
  /** Requests come from the handle. */
  makesRequests?: boolean;
  symbol?: string;
  answer?: number;
  completes?: boolean;
}

class WriteWrap implements Request {
  buffer?: Uint8Array;
}

function complete(this: Request, status: number): void {
  this.callback?.(status < 0 ? new Error('failed') : null);
}

/** Makes streams as a Node has them; all bytes that reach a handle are kept, with their requests. */
function streamsOf({ makesRequests = false, symbol = 'kHandle', answer = 0, completes = true }: Node): {
  stream: () => Duplex;
  seen: string[];
  requests: Request[];
  throughStream: string[];
} {
  const seen: string[] = [];
  const requests: Request[] = [];
  const throughStream: string[] = [];
  class Handle {
    writeBuffer(request: Request | null, bytes: Uint8Array): number | Request {
      seen.push(String(bytes));
      const own = request ?? new WriteWrap();
      requests.push(own);
      return request === null ? own : answer;
    }
  }
  const key = Symbol(symbol);
  class ServerHttp2Stream extends Duplex {
    readonly pending = false;
    readonly headersSent = true;
    readonly [key] = new Handle();
    override _read(): void {}
    override _write(chunk: Buffer, _encoding: string, callback: () => void): void {
      throughStream.push(String(chunk));
      const request: Request = new WriteWrap();
      if (completes) request.oncomplete = complete;
      const returned = this[key].writeBuffer(makesRequests ? null : request, chunk);
      const own = typeof returned === 'number' ? request : returned;
      if (completes) own.oncomplete = complete;
      own.buffer = chunk;
      own.callback = callback;
      callback();
    }
  }
  return { stream: () => new ServerHttp2Stream(), seen, requests, throughStream };
}

/** Writes as a connection does, by way of the stream where the writer leaves it to that. */
function write(writer: HandleWriter, stream: Duplex, text: string, told: HandedChunk[] = []): boolean {
  const chunk = Buffer.from(text);
  const handed = writer.write(stream, chunk, { wasTaken: (each) => void told.push(each) });
  if (handed === undefined) stream.write(chunk);
  return handed !== undefined;
}

test.each([{}, { makesRequests: true }])('after the first write chunks are handed over, in Node %j', (node) => {
  const { stream, seen, requests, throughStream } = streamsOf(node);
  const writer = new HandleWriter();
  const told: HandedChunk[] = [];
  const one = stream();
  expect(['a', 'b', 'c'].map((text) => write(writer, one, text, told))).toEqual([false, true, true]);
  expect(write(writer, stream(), 'd', told)).toBe(true);
  expect([seen, throughStream, told]).toEqual([['a', 'b', 'c', 'd'], ['a'], []]);
  for (const request of requests.slice(1)) request.oncomplete!.call(request, 0);
  expect(told.map(({ length }) => length)).toEqual([1, 1, 1]);
});

test.each<[string, Node]>([
  ['streams keep no handle', { symbol: 'kOther' }],
  ['writes answer something else', { answer: 1 }],
  ['requests do not complete', { completes: false }],
])('where %s, streams are written to', (_, node) => {
  const { stream, seen, throughStream } = streamsOf(node);
  const writer = new HandleWriter();
  const one = stream();
  expect(['a', 'b', 'c', 'd'].map((text) => write(writer, one, text))).toEqual([false, false, false, false]);
  expect(seen).toEqual(['a', 'b', 'c', 'd']);
  expect(throughStream).toEqual(seen);
});

test('a stream that is corked, ended, or has a write of its own is written to', () => {
  const { stream } = streamsOf({});
  const writer = new HandleWriter();
  write(writer, stream(), 'a');
  const corked = stream();
  corked.cork();
  const ended = stream();
  ended.on('error', () => {});
  ended.end();
  const own = stream();
  own._write = (_chunk, _encoding, callback) => callback();
  expect([corked, ended, own, stream()].map((each) => write(writer, each, 'b'))).toEqual([false, false, false, true]);
});
