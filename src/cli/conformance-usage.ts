// `CONFORMANCE_USAGE` is the text of `wsimd conformance --help`.

export const CONFORMANCE_USAGE: string = `Examines a WebSocket server or client, and reports what it does wrong.

  wsimd conformance server URL [-- COMMAND]       drives the server at ws://host:port or wss://host:port
  wsimd conformance client --port N [-- COMMAND]  listens for clients that run the cases, as the classic test suite does
  wsimd conformance table LIST                    examines a list of testees, and writes a table (--help says more)

COMMAND starts the testee. A server is started again when it dies, and ended at the end; a client finds the
address in WSIMD_URL, and the run is over when it ends.

Both:
  --cases LIST          ids and patterns, separated by commas: 2.7,6.4.*,H.* (default: all)
  --exclude LIST        cases to leave out
  --out DIR             where the report goes (default: reports/servers or reports/clients)
  --junit FILE          writes JUnit XML too
  --badge FILE          writes the JSON of a badge too, in the form of shields.io
  --baseline FILE       an earlier index.json: fail only on what is worse than there
  --strict              refuse NON-STRICT and UNIMPLEMENTED too
  --timeout-scale X     multiplies every time limit (default: 1)
  --workers N           threads that play compressed messages, groups 12 and 13 (default: one for each core)
  --spec FILE           a spec file of the classic test suite (JSON); options override it
  --protocol LIST       subprotocols to offer to a server, or to agree to with a client
  --http2               over streams of HTTP/2 (RFC 8441), without the cases H

Generated streams instead of cases:
  --fuzz SECONDS        sends streams, judged by RFC 6455 and 7692, until time is over or one is treated wrongly;
                        that one is made smaller, and a program that shows it is written to the report's directory
  --seed N              the same seed gives the same streams (default: a random one, which is said)

About the cases, without running them:
  --list                the cases that were selected, a line each
  --case ID --explain   what a case sends, what it accepts, and by which sentence
  --case ID --script FILE [URL]  a program that plays the case without the suite

Servers:
  --agent NAME          the server's name in the report (default: its Server header)
  --jobs N              connections at a time
  --insecure            accept any certificate
  --origin ORIGIN       the Origin that every request names
  --header 'NAME: VALUE'  a field of every request; may be given again

Clients:
  --port N              where to listen (0: any free port)
  --host NAME           the address to listen on (default: 127.0.0.1)
  --allow-origin ORIGIN  web pages of ORIGIN may run cases too; may be given several times
  --cert FILE --key FILE  certificate and key in PEM, for wss://

Exit status: 0 when no case was refused, 1 when one was or has no result, 2 when the run could not begin or finish.
`;
