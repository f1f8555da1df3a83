"""Stands between camd and a browser as Home Assistant's MJPEG integration does: homeassistant.py MJPEG_URL STILL_IMAGE_URL.

It prints the port on which it serves, at /stream what it passes on from the first address, at /cut a picture that it cuts out
of it, and at /still one from the second.
"""

import asyncio
import sys

import aiohttp
import requests
from aiohttp import web

MJPEG, STILL = sys.argv[1:3]
PIECE = 102400  # bytes that are read at once
TIMEOUT = 60  # seconds, for an answer and between pieces; Home Assistant has 10


def cut():
    """By the first end of a picture and the first beginning that have arrived, whatever lies between: the boundaries are
    not looked at."""
    with requests.get(MJPEG, stream=True, timeout=TIMEOUT) as answer:
        seen = b""
        for piece in answer.iter_content(PIECE):
            seen += piece
            begin, end = seen.find(b"\xff\xd8"), seen.find(b"\xff\xd9")
            if begin >= 0 and end >= 0:
                return seen[begin : end + 2]
    return b""


async def serve_cut(request):
    picture = await asyncio.get_running_loop().run_in_executor(None, cut)
    return web.Response(body=picture, content_type="image/jpeg")


async def serve_still(request):
    async with aiohttp.ClientSession() as session:
        answer = await asyncio.wait_for(session.get(STILL), TIMEOUT)
        return web.Response(body=await answer.read(), content_type="image/jpeg")


async def serve_stream(request):
    """The bytes as they are, under the content type as it is."""
    async with aiohttp.ClientSession() as session:
        answer = await asyncio.wait_for(session.get(MJPEG), TIMEOUT)
        passed = web.StreamResponse()
        passed.content_type = answer.headers["Content-Type"]
        await passed.prepare(request)
        try:
            while piece := await asyncio.wait_for(answer.content.read(PIECE), TIMEOUT):
                await passed.write(piece)
        except (ConnectionError, aiohttp.ClientError, asyncio.TimeoutError):
            pass
        return passed


async def main():
    app = web.Application()
    app.add_routes([web.get("/cut", serve_cut), web.get("/still", serve_still), web.get("/stream", serve_stream)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print("port", runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
