// `USAGE` is the text of `wsimd bench --help`.
export const USAGE = `Puts a WebSocket server that answers each message with one, such as an echo server, under load.

  wsimd bench URL
  wsimd bench --against ws,uws,bun

  --connections N        connections (default: 50)
  --depth N              closed loop: each connection has N messages under way (default: 1)
  --rate N               open loop: N messages a second over all connections, whether answers come or not
  --size BYTES           length of a message (default: 125)
  --payload FILE         send this file as each message
  --lines                send its lines, by turns
  --binary               binary messages; text otherwise
  --deflate              offer compression, and send compressed messages where it is agreed on
  --duration TIME        how long to measure, such as 10s, 500ms, 2m; a TIME without a unit is in seconds (default: 10s)
  --warmup TIME          how long to send before that (default: 1s)
  --connect-rate N       connections to open a second (default: as many as go, 100 at a time)
  --workers N            threads (default: one for each core, but one core is left to a server on this machine)
  --timeout TIME         how long a handshake may take, and the last answers (default: 10s)

The opening request:
  --header 'NAME: VALUE', --protocol NAME   may be given again
  --origin ORIGIN        the field Origin
  --insecure             take any certificate
  --unix PATH            connect to this Unix socket; URL says the rest

Results:
  --json [FILE]          all figures as JSON, on the standard output or in a file that ends in .json
  --html FILE            a page with charts
  --compare FILE.json    show how an earlier result of --json differs

Limits, for a build: the exit status is 1 where one is not kept.
  --max-p50 MS, --max-p90, --max-p99, --max-p99.9, --max-p99.99, --max-latency
  --min-rate N           messages a second
  --max-errors N         (default: 0)
  --max-worse PERCENT    how much messages/s, p50, p90 and p99 may be worse than in --compare

Known echo servers, each started here and put under the same load by turns:
  --against LIST         of ws, uws (uWebSockets.js) and bun, as far as they are installed where you are; wsimd is always there
  --rounds N             turns of each (default: 3, of 3s)

In an open loop, latency is counted from the moment at which a message was due, so that a stall counts for all messages that
it held up. In a closed loop it is counted from the send: a stall counts once for each message under way, and percentiles look
better than users would see them. Ctrl-C ends the run, and reports on it. The exit status is 0 when all limits were kept, 1
when not, 2 when nothing could be measured.
`;
