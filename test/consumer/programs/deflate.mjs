// Two connections of the codec that compress, anywhere, and the platform's own streams beside its deflate.
import {
  acceptDeflateOffer,
  Connection,
  EventType,
  judgeDeflateResponse,
  parseExtensions,
  Role,
  writeDeflateOffer,
} from 'wsimd/codec';
import { canDeflate, createDeflater, createInflater } from 'wsimd/codec/deflate';

const SETTINGS = [
  {},
  { serverNoContextTakeover: true, clientNoContextTakeover: true },
  { serverMaxWindowBits: 9, clientMaxWindowBits: 10 },
];
const TEXTS = [
  '',
  'short',
  'Käthe 東京 🎉 '.repeat(2000),
  JSON.stringify(Array.from({ length: 5000 }, (_, id) => ({ id }))),
];

/** What both sides agree on, by way of the fields of an opening handshake. */
function agree(options) {
  const offers = parseExtensions(writeDeflateOffer(options)).value;
  const { agreement, header } = acceptDeflateOffer(offers, options);
  const [answer] = parseExtensions(header).value;
  return { [Role.Server]: agreement, [Role.Client]: judgeDeflateResponse(answer.params, options).value };
}

function open(role, agreement, options = {}) {
  const inflater = createInflater(agreement, role);
  const deflater = createDeflater(agreement, role);
  return new Connection({ role, inflater, deflater, text: 'string', ...options });
}

/** Carries what `from` has to send; gives the events of the other side, and how many bytes went. */
function carry(from, to) {
  const events = [];
  let length = 0;
  for (const chunk of from.takeOutput()) {
    length += chunk.length;
    to.receive(chunk);
    for (let event = to.next(); event !== undefined; event = to.next()) events.push(event);
  }
  return { events, length };
}

/** All that comes out of a stream of the platform, for these bytes. */
async function through(stream, bytes) {
  return new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());
}

function joined(...parts) {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function expectSame(got, expected, name) {
  if (String(got) !== String(expected)) throw new Error(`${name} differs`);
}

/** Throws when anything differs; says `ok`, or `none` where the platform lets no WebAssembly in. */
export async function echoDeflated() {
  if (!canDeflate()) return 'none';
  for (const options of SETTINGS) {
    const agreement = agree(options);
    const server = open(Role.Server, agreement[Role.Server]);
    const client = open(Role.Client, agreement[Role.Client]);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ]) {
      for (const text of [...TEXTS, ...TEXTS]) from.send(text);
      const { events, length } = carry(from, to);
      const texts = events.filter(({ type }) => type === EventType.Message).map(({ data }) => data);
      expectSame(texts.length, 2 * TEXTS.length, 'the count');
      for (const [at, text] of texts.entries()) expectSame(text, TEXTS[at % TEXTS.length], 'a message');
      if (length > 40_000) throw new Error(`${length} bytes were sent: nothing was compressed`);
    }
  }

  // The platform's inflater reads what is deflated here, and the other way round (RFC 7692 7.2).
  const agreement = agree({ serverNoContextTakeover: true, clientNoContextTakeover: true })[Role.Server];
  const bytes = new TextEncoder().encode(TEXTS[3]);
  const deflated = createDeflater(agreement, Role.Server).deflate(bytes, true);
  const ending = [0, 0, 255, 255, 1, 0, 0, 255, 255];
  expectSame(await through(new DecompressionStream('deflate-raw'), joined(deflated, ending)), bytes, 'inflated there');
  const theirs = await through(new CompressionStream('deflate-raw'), bytes);
  expectSame(createInflater(agreement, Role.Server).inflate(joined(theirs, [0]), 1e6), bytes, 'inflated here');

  // A message that grows past the limit is stopped.
  const client = open(Role.Client, agreement);
  client.send(TEXTS[3]);
  const { events } = carry(client, open(Role.Server, agreement, { maxPayload: 1000 }));
  expectSame(
    events.map(({ type, error }) => [type, error?.code]),
    [[EventType.Failure, 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH']],
    'the failure',
  );
  return 'ok';
}
