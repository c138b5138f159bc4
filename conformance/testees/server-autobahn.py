# An echo server of Autobahn|Python: python3 server-autobahn.py PORT
import asyncio, sys
from autobahn.asyncio.websocket import WebSocketServerFactory, WebSocketServerProtocol
from autobahn.websocket.compress import PerMessageDeflateOffer, PerMessageDeflateOfferAccept

class Echo(WebSocketServerProtocol):
    def onMessage(self, payload, isBinary):
        self.sendMessage(payload, isBinary)

factory = WebSocketServerFactory("ws://127.0.0.1:" + sys.argv[1])
factory.protocol = Echo

def accept(offers):
    for offer in offers:
        if isinstance(offer, PerMessageDeflateOffer):
            return PerMessageDeflateOfferAccept(offer)

factory.setProtocolOptions(perMessageCompressionAccept=accept, failByDrop=False)
loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
factory.loop = loop
loop.run_until_complete(loop.create_server(factory, "127.0.0.1", int(sys.argv[1])))
loop.run_forever()
