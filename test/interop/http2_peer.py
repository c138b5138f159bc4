"""Sends requests for a WebSocket over HTTP/2, malformed ones too, and says in JSON what became of each.

python3 http2_peer.py PORT, with a JSON list of requests on standard input, each a list of [name, value]. Each request goes
out on a connection of its own, and after it a good one on the same connection.
"""

import json
import socket
import sys

import h2.config
import h2.connection
import h2.errors
import h2.events

GOOD = [
    [":method", "CONNECT"],
    [":protocol", "websocket"],
    [":scheme", "http"],
    [":path", "/"],
    [":authority", "localhost"],
    ["sec-websocket-version", "13"],
]


class Peer:
    def __init__(self, port):
        config = h2.config.H2Configuration(
            client_side=True,
            header_encoding="utf-8",
            validate_outbound_headers=False,
            normalize_outbound_headers=False,
        )
        self.connection = h2.connection.H2Connection(config)
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.connection.initiate_connection()
        self.flush()
        self.events = []

    def flush(self):
        self.socket.sendall(self.connection.data_to_send())

    def next_event(self):
        while not self.events:
            data = self.socket.recv(65536)
            if not data:
                return None
            self.events = self.connection.receive_data(data)
            self.flush()
        return self.events.pop(0)

    def ask(self, fields):
        """The outcome of one request: its status and body, or the error code of a reset or GOAWAY."""
        stream = self.connection.get_next_available_stream_id()
        self.connection.send_headers(stream, [tuple(field) for field in fields])
        self.flush()
        outcome = {"status": None, "body": ""}
        while True:
            event = self.next_event()
            if event is None:
                return "gone"
            if isinstance(event, h2.events.ConnectionTerminated):
                return "goaway %d" % event.error_code
            if getattr(event, "stream_id", None) != stream:
                continue
            if isinstance(event, h2.events.StreamReset):
                if outcome["status"] is None:
                    return "reset %d" % event.error_code
                return "%s %s" % (outcome["status"], outcome["body"])
            if isinstance(event, h2.events.ResponseReceived):
                outcome["status"] = dict(event.headers)[":status"]
                if outcome["status"] == "200":
                    return "200"
            if isinstance(event, h2.events.DataReceived):
                outcome["body"] += event.data.decode()
            if isinstance(event, h2.events.StreamEnded):
                return "%s %s" % (outcome["status"], outcome["body"])


outcomes = []
for request in json.load(sys.stdin):
    peer = Peer(int(sys.argv[1]))
    outcomes.append([peer.ask(request), peer.ask(GOOD)])
    peer.socket.close()
print(json.dumps(outcomes))
