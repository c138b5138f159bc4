"""Converses with an echo server by way of a Python library, and says "echoed N" when everything came back as it was sent.

usage: echo_client.py websockets|aiohttp URL deflate|plain
"""

import asyncio
import sys

TEXT = "\U0001f600é€x"
MIB = 1024 * 1024


def messages():
    """Text and binary, empty, 64 KiB and 16 MiB, with the number of fragments to send each in."""
    for length in (0, 10, 64 * 1024, 16 * MIB):
        text = TEXT * (length // 10) + "x" * (length % 10)
        octets = bytes(range(251)) * (length // 251 + 1)
        for data in (text, octets[:length]):
            for fragments in (1, 4):
                yield data, fragments


def cut(data, fragments):
    return [data[len(data) * at // fragments : len(data) * (at + 1) // fragments] for at in range(fragments)]


async def by_websockets(url, deflate):
    import websockets

    count = 0
    async with websockets.connect(url, max_size=None, compression="deflate" if deflate else None) as socket:
        names = [extension.name for extension in socket.extensions]
        assert names == (["permessage-deflate"] if deflate else []), names

        async def with_pings(data, fragments):
            for part in cut(data, fragments):
                yield part
                await socket.ping()

        for data, fragments in messages():
            await socket.send(data if fragments == 1 else with_pings(data, fragments))
            await (await socket.ping())
            assert await socket.recv() == data, (type(data), len(data), fragments)
            count += 1
    assert socket.close_code == 1000, socket.close_code
    return count


async def by_aiohttp(url, deflate):
    import aiohttp

    count = 0
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(url, max_msg_size=0, compress=15 if deflate else 0) as socket:
            assert bool(socket.compress) == deflate, socket.compress
            for data, fragments in messages():
                # The library sends every message in one frame.
                if fragments > 1:
                    continue
                await (socket.send_str(data) if isinstance(data, str) else socket.send_bytes(data))
                await socket.ping(b"between")
                assert (await socket.receive()).data == data, (type(data), len(data))
                count += 1
        assert socket.close_code == 1000, socket.close_code
    return count


library, url, compression = sys.argv[1:]
run = {"websockets": by_websockets, "aiohttp": by_aiohttp}[library]
print("echoed", asyncio.run(run(url, compression == "deflate")), flush=True)
