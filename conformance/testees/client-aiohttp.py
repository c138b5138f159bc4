# Runs every case as a client of aiohttp.
import asyncio, os
import aiohttp

URL = os.environ["WSIMD_URL"]
AGENT = os.environ["WSIMD_AGENT"].replace(" ", "%20")

async def converse(session, path):
    last = None
    try:
        async with session.ws_connect(URL + path, max_msg_size=2**26, compress=15) as socket:
            async for message in socket:
                last = message.data
                if message.type == aiohttp.WSMsgType.TEXT:
                    await socket.send_str(message.data)
                elif message.type == aiohttp.WSMsgType.BINARY:
                    await socket.send_bytes(message.data)
    except Exception:
        pass
    return last

async def main():
    async with aiohttp.ClientSession() as session:
        for number in range(1, int(await converse(session, "/getCaseCount")) + 1):
            await converse(session, f"/runCase?case={number}&agent={AGENT}")

asyncio.run(main())
