"""One end of compressed conversations, by way of a Python library.

usage: deflate_peer.py serve websockets|aiohttp
           an echo server that agrees to what it is offered; says "listening on PORT"
       deflate_peer.py converse websockets|aiohttp URL
           reads from stdin, as JSON, pairs of a path and whether to send long messages too; says "echoed N", N conversations,
           once every message has come back as it was sent
"""

import asyncio
import json
import sys

ROW = "".join('{"id":%d,"side":"%s"},' % (n * 7919 % 1000003, "buy" if n % 3 else "sell") for n in range(20))
OCTETS = bytes(range(251))


def messages(long):
    """Text and binary, empty, alike (what a kept window makes short) and, if asked for, too long for one step of anybody's."""
    yield from ("", b"", ROW, ROW, OCTETS * 20, "Grüße, 世界 \U0001f600")
    if long:
        yield from (ROW * 200, OCTETS * 1500, ROW)


async def websockets_serves():
    import websockets
    from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory

    async def echo(socket, path=None):
        async for data in socket:
            await socket.send(data)

    extensions = [ServerPerMessageDeflateFactory()]
    async with websockets.serve(echo, "127.0.0.1", 0, compression=None, extensions=extensions) as server:
        print(f"listening on {server.sockets[0].getsockname()[1]}", flush=True)
        await asyncio.Future()


async def aiohttp_serves():
    from aiohttp import WSMsgType, web

    async def echo(request):
        socket = web.WebSocketResponse(compress=True)
        await socket.prepare(request)
        async for message in socket:
            text = message.type is WSMsgType.TEXT
            await (socket.send_str(message.data) if text else socket.send_bytes(message.data))
        return socket

    application = web.Application()
    application.router.add_get("/", echo)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(f"listening on {site._server.sockets[0].getsockname()[1]}", flush=True)
    await asyncio.Future()


async def websockets_converses(url, paths):
    import websockets

    for path, long in paths:
        async with websockets.connect(url + path) as socket:
            assert [extension.name for extension in socket.extensions] == ["permessage-deflate"], path
            for data in messages(long):
                await socket.send(data)
                assert await socket.recv() == data, (path, type(data), len(data))
    return len(paths)


async def aiohttp_converses(url, paths):
    import aiohttp

    async with aiohttp.ClientSession() as session:
        for path, long in paths:
            async with session.ws_connect(url + path, compress=15) as socket:
                assert socket.compress, path
                for data in messages(long):
                    await (socket.send_str(data) if isinstance(data, str) else socket.send_bytes(data))
                    assert (await socket.receive()).data == data, (path, type(data), len(data))
    return len(paths)


role, library, *rest = sys.argv[1:]
if role == "serve":
    asyncio.run({"websockets": websockets_serves, "aiohttp": aiohttp_serves}[library]())
else:
    converse = {"websockets": websockets_converses, "aiohttp": aiohttp_converses}[library]
    print("echoed", asyncio.run(converse(rest[0], json.load(sys.stdin))), flush=True)
