# An echo server of Python's websockets: python3 server-websockets.py PORT
import asyncio, sys
from websockets.legacy.server import serve

async def echo(socket, path=None):
    async for message in socket:
        await socket.send(message)

async def main():
    async with serve(echo, "127.0.0.1", int(sys.argv[1]), max_size=2**26, ping_interval=None):
        await asyncio.Future()

asyncio.run(main())
