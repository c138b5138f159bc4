# An echo server of Tornado: python3 server-tornado.py PORT
import sys
from tornado import ioloop, web, websocket

class Echo(websocket.WebSocketHandler):
    def check_origin(self, origin):
        return True

    def get_compression_options(self):
        return {}

    def on_message(self, message):
        self.write_message(message, binary=isinstance(message, bytes))

web.Application([("/", Echo)], websocket_max_message_size=2**26).listen(int(sys.argv[1]), "127.0.0.1")
ioloop.IOLoop.current().start()
