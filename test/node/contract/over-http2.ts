// `NOT_OVER_HTTP2` lists the tests of the contract that connections over HTTP/2 do not keep, by file, with the reason of each.

const SOCKET = 'it is about a socket, or an option that makes one';
const HEAD = 'it is about a head of HTTP/1.1, or calls handleUpgrade';
const LATER = 'a session sends at the end of the turn; until then bytes wait';
const TCP = 'its program connects over TCP';
const SOONER = 'the close of a stream that is destroyed comes with the next tick';

/** Files with nothing but such tests, or with none of a connection. */
export const FILES_NOT_OVER_HTTP2: Readonly<Record<string, string>> = {
  'at-once': 'its programs connect over TCP',
  checklist: 'it opens no connection',
  'client-handshake-failures': HEAD,
  conversations: 'it compares with ws, over TCP',
  'module-shape': 'it opens no connection',
  'odd-arguments': 'it compares with ws, over TCP',
  'odd-client': 'it compares with ws, over TCP',
  'odd-sender': 'it compares with ws, over TCP',
  'odd-server': 'it compares with ws, over TCP',
  'odd-streams': SOCKET,
  'random-requests': 'it compares with ws, over TCP',
  redirects: 'redirects are not followed over HTTP/2',
  'server-refusals': HEAD,
  'write-paths': SOCKET,
};

export const NOT_OVER_HTTP2: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  batching: {
    'bufferedAmount: is 0 right after a small send, and after many': LATER,
    'send(); process.exit(): delivers': TCP,
    'send(); process.exit() inside a message handler: delivers': TCP,
    "send() in 'exit': delivers": TCP,
    'send(); throw: what was sent before an uncaught exception is delivered': TCP,
    'send(); then the event loop is blocked: the message has left when the loop was reached once': TCP,
  },
  'client-options': {
    'agent: is the one that makes the connection': SOCKET,
    'createConnection: makes the socket': SOCKET,
    'finishRequest: gets (request, ws) before the request is sent, and the caller ends it': HEAD,
    "servername: the default SNI is the host unless it is an IP, and '' disables it": SOCKET,
  },
  'hidden-behaviours': {
    '8.3 head: is not written to when the caller keeps it': HEAD,
    '8.4 setNoDelay(true) and setTimeout(0): are called on real sockets, of both roles': SOCKET,
    '8.15 two servers on one HTTP server: the second handleUpgrade of a socket throws': HEAD,
    '8.16 _socket: is the real socket, null before open': SOCKET,
  },
  'message-memory': {
    'what comes with the handshake lies in a copy, where it was a part of larger memory [data]': HEAD,
    'what comes with the handshake lies in a copy, where it was a part of larger memory [landing]': HEAD,
  },
  'patched-methods': {
    'patched: the methods of the server are called for each connection': HEAD,
  },
  'pause-resume': {
    "paused connection from which nothing has come: the peer's resetAndDestroy closes it": SOCKET,
    'paused connection whose socket holds a message: a reset closes it, also where it was paused again': SOCKET,
    'resume() and pause() in one turn, again and again: the socket holds no more':
      'a stream holds its window, of 1 MiB',
  },
  properties: {
    'JSON.stringify and inspect: find no circle in a WebSocket or its server, whatever its state': SOCKET,
    '_socket: is null before open and the real socket after, on both sides': SOCKET,
    'bufferedAmount: counts what is waiting to be deflated, and is 0 when all is sent': LATER,
    'bufferedAmount: is 0 while connecting and after a send that was written at once': LATER,
  },
  send: {
    "Blob: that cannot be read emits 'error', calls back with it and closes": SOONER,
  },
  'server-methods': {
    "'wsClientError': replaces the automatic answer for 400 and 405, with (err, socket, req)": HEAD,
    'close(): a handshake that ends while the server is closing is 503': HEAD,
    'close(): stops the internal HTTP server, does not close clients, and waits for their sockets': SOCKET,
    'completeUpgrade: is called by handleUpgrade with the 7 arguments of ws and may be overridden': HEAD,
    'handleUpgrade: a second use of one socket throws': HEAD,
    'handleUpgrade: calls back synchronously with (ws, req), ws open': HEAD,
    "handleUpgrade: in noServer mode emits no 'connection' by itself": HEAD,
    'shouldHandle: may be overridden by assignment and by a subclass, and false is 400': HEAD,
  },
  'server-options': {
    'options: a handshake on an own server is answered with the accept key of RFC 6455': HEAD,
    'verifyClient: an asynchronous refusal uses the given code, message and headers, 401 by default': HEAD,
    'verifyClient: refusal by a sync one is 401 with the status text as the body': HEAD,
  },
};
