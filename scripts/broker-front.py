"""Stands before a broker whose answer to ApiVersions of version 3 librdkafka 2.0 cannot read, and asks for version 0."""
import asyncio
import struct
import sys

API_VERSIONS, UNSUPPORTED_VERSION = 18, 35


async def frame(reader):
    size = await reader.readexactly(4)
    return size + await reader.readexactly(struct.unpack(">i", size)[0])


async def requests(reader, broker, client):
    while True:
        request = await frame(reader)
        key, version, correlation = struct.unpack(">hhi", request[4:12])
        if key == API_VERSIONS and version > 0:
            # As a broker of Kafka answers a version that it does not know: an error, and the versions that it does.
            body = struct.pack(">ihihhh", correlation, UNSUPPORTED_VERSION, 1, API_VERSIONS, 0, 0)
            client.write(struct.pack(">i", len(body)) + body)
        else:
            broker.write(request)
            await broker.drain()


async def answers(reader, client):
    while data := await reader.read(1 << 16):
        client.write(data)
        await client.drain()


async def serve(reader, client, port):
    try:
        from_broker, broker = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        client.close()
        return
    ways = [asyncio.ensure_future(requests(reader, broker, client)), asyncio.ensure_future(answers(from_broker, client))]
    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    for way in ways:
        way.cancel()
    await asyncio.gather(*ways, return_exceptions=True)
    broker.close()
    client.close()


async def main(own, behind):
    server = await asyncio.start_server(lambda r, w: serve(r, w, behind), "127.0.0.1", own, limit=1 << 24)
    async with server:
        await server.serve_forever()


asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
