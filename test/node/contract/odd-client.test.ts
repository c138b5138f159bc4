/** Every option and argument of a client with the values that a careless application passes. */
import { describe } from 'vitest';
import { RawPeer } from '../../support/raw-peer.js';
import { duplexPair, owned } from './harness.js';
import type { Implementation } from './implementations.js';
import { comparing, ODD_VALUES, thrown, type Differences, type OddValue, type Outcome } from './odd-values.js';

type Make = (value: unknown) => { address?: unknown; protocols?: unknown; options?: object };

/** The request that a client made so sends, without its key; or the address it is for; or what the constructor throws. */
function requestOf(make: Make) {
  return async (implementation: Implementation, value: unknown): Promise<Outcome> => {
    const [stream, other] = duplexPair();
    const peer = new RawPeer(other, 'server');
    try {
      const { address = 'ws://127.0.0.1/', protocols, options } = make(value);
      const ws = owned(
        new implementation.WebSocket(address as string, protocols, {
          createConnection: () => stream,
          ...options,
        }),
      );
      ws.on('error', () => {});
      const head = await peer.readHead();
      ws.terminate();
      other.destroy();
      const [first, ...lines] = head.trimEnd().split('\r\n');
      return [ws.url, first, ...lines.filter((line) => !/^sec-websocket-key/i.test(line)).sort()].join('\n');
    } catch (error) {
      // The stream stays as it is: a request of ws that nobody holds would emit 'error'.
      return thrown(error);
    }
  };
}

const without = (...names: string[]): readonly OddValue[] => ODD_VALUES.filter(([name]) => !names.includes(name));
const only = (...names: string[]): readonly OddValue[] => ODD_VALUES.filter(([name]) => names.includes(name));
const all = (outcome: Outcome, values: readonly OddValue[]): Differences =>
  Object.fromEntries(values.map(([name]) => [name, outcome]));

const OFFER = 'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits';

/** The request with these fields besides, as it is for an option that says nothing. */
function plain(...fields: string[]): Outcome {
  const lines = ['Connection: Upgrade', 'Host: 127.0.0.1', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', OFFER];
  return ['ws://127.0.0.1/', 'GET / HTTP/1.1', ...[...lines, ...fields].sort()].join('\n');
}

describe('odd values of a client', () => {
  const sending = (place: string, make: Make, differences: Differences = {}, values = ODD_VALUES): void =>
    comparing(place, requestOf(make), differences, values);
  const option = (name: string, differences: Differences = {}, values = ODD_VALUES): void =>
    sending(`new WebSocket(url, { ${name}: value })`, (value) => ({ options: { [name]: value } }), differences, values);

  sending('new WebSocket(value)', (address) => ({ address }), { 'a Symbol': 'throws SyntaxError' }, without('null'));
  // Other objects are options.
  const list = ODD_VALUES.filter(
    ([name, make]) => name.startsWith('[') || typeof make() !== 'object' || make() === null,
  );
  sending('new WebSocket(url, value)', (protocols) => ({ protocols }), {}, list);
  sending('new WebSocket(url, [value])', (value) => ({ protocols: [value] }));
  option('protocols');

  sending('headers: value', (headers) => ({ options: { headers } }));
  for (const [place, followRedirects] of [
    ['headers: { X: value }', false],
    ['headers: { X: value } where redirects are followed', true],
  ] as const) {
    const name = followRedirects ? 'x' : 'X';
    // A field of undefined is left out (D17), and toString() is asked before valueOf().
    const differences = { undefined: plain(), 'an object with valueOf': plain(`${name}: [object Object]`) };
    sending(place, (value) => ({ options: { followRedirects, headers: { [name]: value } } }), differences);
  }
  sending(
    "headers: { X: ['a', value] }",
    (value) => ({ options: { headers: { X: ['a', value] } } }),
    { 'an object with valueOf': plain('X: a', 'X: [object Object]') },
    without('undefined'),
  );
  sending('headers: { Cookie: value }', (value) => ({ options: { headers: { Cookie: value } } }), {
    undefined: plain(),
    'an object with valueOf': plain('Cookie: [object Object]'),
  });
  option('origin', { 'an object with valueOf': plain('Origin: [object Object]') });

  for (const name of ['host', 'port', 'path', 'method', 'timeout', 'socketPath', 'defaultPort', 'setHost', 'auth']) {
    option(name);
  }
  for (const name of ['localAddress', 'family', 'lookup', 'skipUTF8Validation', 'autoPong', 'followRedirects']) {
    option(name);
  }
  option('agent', {}, without('false'));
  option('signal', {}, only('undefined', 'null', 'false', '0', "''"));
  option('finishRequest', {}, without('a function of two'));
  // undefined says nothing (D17); ws refuses it.
  option('protocolVersion', { undefined: plain() });
  // A string is the name of a preset.
  option(
    'perMessageDeflate',
    all('throws TypeError', only("'0'", "'10'", "'text'", "'utf8'")),
    without('an object with a getter that throws'),
  );
  // What ws would find out with the first frame.
  const falsy = only('undefined', 'null', 'false', 'NaN', '0', '-0', '0n', "''").map(([name]) => name);
  option('generateMask', all('throws TypeError', without(...falsy, 'a function of two', 'a class')));

  // D9
  const counts = ['undefined', 'null', 'true', 'false', '0', '-0', '1', '10', "''", "'0'", "'10'", '[]', 'a Date'];
  const taken = [...counts, 'an empty Buffer', 'a Number object'];
  const refusing =
    (name: string) =>
    async (implementation: Implementation, value: unknown): Promise<Outcome> => {
      const outcome = await requestOf(() => ({ options: { [name]: value } }))(implementation, value);
      return outcome.startsWith('throws ') ? 'throws' : outcome;
    };
  // Where ws throws too, which it does not for every value that makes no number, there is no difference.
  const numbers = without(
    '0n',
    '10n',
    'a Symbol',
    'an object without a prototype',
    'a Proxy that throws',
    'a revoked Proxy',
  );
  for (const name of ['maxPayload', 'maxFragments', 'maxBufferedChunks', 'maxRedirects']) {
    const refused = numbers.filter(([value]) => ![...taken, 'Infinity'].includes(value));
    comparing(`new WebSocket(url, { ${name}: value })`, refusing(name), all('throws', refused), numbers);
  }

  const deflate = (name: string, differences: Differences = {}, values = ODD_VALUES): void => {
    const outcomeOf = requestOf((value) => ({ options: { perMessageDeflate: { [name]: value } } }));
    comparing(`new WebSocket(url, { perMessageDeflate: { ${name}: value } })`, outcomeOf, differences, values);
  };
  deflate('serverNoContextTakeover');
  deflate('clientNoContextTakeover');
  // D9; true for the server's window says nothing, for which ws writes a parameter without its value.
  const windows = only('undefined', 'null', 'true', 'false', '10');
  const refusedWindows = all(
    'throws RangeError',
    only('NaN', '1', '-1', '1.5', "'10'", "'text'", '{}', '[1, 2]', '10n'),
  );
  deflate('serverMaxWindowBits', { true: plain(), ...refusedWindows }, [
    ...windows,
    ...only(...Object.keys(refusedWindows)),
  ]);
  deflate('clientMaxWindowBits', refusedWindows, [...windows, ...only(...Object.keys(refusedWindows))]);
  const limits = only('undefined', 'null', '0', '10', "'10'", 'Infinity', 'true', 'false');
  const refusedLimits = all('throws RangeError', only('NaN', '-1', "'text'", '{}', 'a function of two'));
  for (const name of ['threshold', 'concurrencyLimit']) {
    deflate(name, refusedLimits, [...limits, ...only(...Object.keys(refusedLimits))]);
  }
});
