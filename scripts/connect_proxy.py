#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""An HTTP proxy that knows nothing but CONNECT, with basic authentication, for tests."""

import argparse
import asyncio
import base64

HEADER_BYTES_MAX = 8_192


async def carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Copies one direction to its end."""
    try:
        while data := await source.read(65_536):
            sink.write(data)
            await sink.drain()
    except ConnectionError:
        pass
    finally:
        sink.close()


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, expected: str) -> None:
    """Answers one client."""
    def answer(line: str) -> None:
        writer.write(f"HTTP/1.1 {line}\r\n\r\n".encode())
        print(line.split("\r\n")[0], request[0] if request else "", flush=True)

    request: list[str] = []
    try:
        header = await reader.readuntil(b"\r\n\r\n")
        request = header.decode("latin-1").split("\r\n")
        method, target, _ = request[0].split(" ")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in request[1:])}
        if method != "CONNECT":
            answer("405 Method Not Allowed")
        elif fields.get("proxy-authorization") != expected:
            answer('407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="site"')
        else:
            host, _, port = target.rpartition(":")
            try:
                there = await asyncio.wait_for(asyncio.open_connection(host.strip("[]"), int(port)), 3)
            except (OSError, TimeoutError):
                answer("504 Gateway Timeout")
            else:
                answer("200 Connection established")
                await asyncio.gather(carry(reader, there[1]), carry(there[0], writer))
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, ValueError):
        pass
    finally:
        writer.close()


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listen", required=True, help="address:port")
    parser.add_argument("--credentials-file", required=True, help="holds name:password")
    arguments = parser.parse_args()
    with open(arguments.credentials_file, "rb") as file:
        expected = "Basic " + base64.b64encode(file.read().strip()).decode()
    host, _, port = arguments.listen.rpartition(":")
    server = await asyncio.start_server(
        lambda reader, writer: serve(reader, writer, expected), host, int(port), limit=HEADER_BYTES_MAX)
    print("listening on port", server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


asyncio.run(main())
