"""An echo server made with Python's websockets, which sends each message back in three fragments, with a ping after each.

usage: echo_server.py deflate|plain
"""

import asyncio
import sys

import websockets


async def echo(socket, path=None):
    async def fragments(data):
        for at in range(3):
            yield data[len(data) * at // 3 : len(data) * (at + 1) // 3]
            await socket.ping()

    async for data in socket:
        await socket.send(fragments(data))


async def main():
    compression = "deflate" if sys.argv[1] == "deflate" else None
    async with websockets.serve(echo, "127.0.0.1", 0, max_size=None, compression=compression) as server:
        print("listening on", server.sockets[0].getsockname()[1], flush=True)
        await asyncio.Future()


asyncio.run(main())
