// A whole conversation as it once stood on the wire: Autobahn|Testsuite 0.4.10 plays case 2.7 (an unsolicited pong, to
// which nothing is answered; then a Close) to the echo server of wslay, 2012.
export const WSLAY_CASE_2_7_KEY = '+UdJQvuIQ3D5CW5jqMVEZA==';
export const WSLAY_CASE_2_7_ACCEPT = '0H8CiLdBGVEZ/t9yEq9F+JqSkS4=';
export const WSLAY_CASE_2_7 = [
    {
        from: 'client',
        octets: lines('GET / HTTP/1.1', 'User-Agent: AutobahnWebSocketsTestSuite/0.4.10', 'Host: localhost:9090', 'Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Key: ${WSLAY_CASE_2_7_KEY}`, 'Sec-WebSocket-Version: 13'),
        says: 'the opening handshake (RFC 6455 4.1)',
    },
    {
        from: 'server',
        octets: lines('HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${WSLAY_CASE_2_7_ACCEPT}`),
        says: 'its answer (RFC 6455 4.2.2)',
    },
    { from: 'client', octets: '8a8093ff41f9', says: 'an empty pong that no ping asked for (RFC 6455 5.5.3)' },
    { from: 'client', octets: '88825b483a0358a0', says: 'Close 1000 (RFC 6455 5.5.1)' },
    { from: 'server', octets: '880203e8', says: 'Close 1000 (RFC 6455 5.5.1)' },
    { from: 'server', octets: '', says: 'the server ends TCP (RFC 6455 7.1.1)' },
];
/** The hex of HTTP header lines with the empty line that ends them. */
function lines(...text) {
    return Buffer.from([...text, '', ''].join('\r\n'), 'latin1').toString('hex');
}
