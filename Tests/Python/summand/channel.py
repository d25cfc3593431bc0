# SPDX-License-Identifier: MIT
"""Connections: TLS 1.3 through memory buffers, and the streams of section 11 inside."""

import asyncio
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL, crypto

from summand import frames
from summand.identity import Certified, IdentityError, read_certificate

ALPN, ALPN_ENROLL = b"smpc/1", b"smpc-enroll/1"
PING_SECONDS, SILENCE_SECONDS = 5.0, 15.0


class ChannelError(ConnectionError):
    """A connection that could not be made or went on against the rules."""


@dataclass
class Credentials:
    """A party's key with its certificate, and the authority that both sides' certificates come from."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    authority: x509.Certificate

    def context(self) -> SSL.Context:
        """TLS 1.3 only, and certificates of this authority on both sides."""
        context = bare_context(ALPN)
        context.use_privatekey(crypto.PKey.from_cryptography_key(self.key))
        context.use_certificate(crypto.X509.from_cryptography(self.certificate))
        store = context.get_cert_store()
        assert store is not None
        store.add_cert(crypto.X509.from_cryptography(self.authority))
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *arguments: bool(arguments[-1]))
        return context


def bare_context(alpn: bytes) -> SSL.Context:
    """TLS 1.3 with one application protocol, without certificates."""
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_min_proto_version(SSL.TLS1_3_VERSION)
    context.set_alpn_protos([alpn])
    context.set_alpn_select_callback(lambda _, offered: alpn if alpn in offered else SSL.NO_OVERLAPPING_PROTOCOLS)
    return context


class TLS:
    """A TLS connection over an asyncio stream."""

    def __init__(self, context: SSL.Context, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connection = SSL.Connection(context, None)
        self._reader, self._writer = reader, writer

    async def handshake(self, dials: bool) -> None:
        """Goes through the handshake; raises ChannelError where it fails."""
        if dials:
            self.connection.set_connect_state()
        else:
            self.connection.set_accept_state()
        while True:
            try:
                self.connection.do_handshake()
                break
            except SSL.WantReadError:
                await self._exchange()
            except SSL.Error as error:
                self._flush()
                raise ChannelError(f"the handshake failed: {error}") from None
        self._flush()

    async def _exchange(self) -> None:
        self._flush()
        data = await self._reader.read(65536)
        if not data:
            raise ChannelError("the other side hung up")
        self.connection.bio_write(data)

    def _flush(self) -> None:
        while True:
            try:
                self._writer.write(self.connection.bio_read(65536))
            except SSL.WantReadError:
                return

    async def read(self) -> bytes:
        """The next bytes; empty at the end."""
        while True:
            try:
                return self.connection.recv(65536)
            except SSL.WantReadError:
                try:
                    await self._exchange()
                except (ChannelError, ConnectionError):
                    return b""
            except (SSL.ZeroReturnError, SSL.SysCallError):
                return b""
            except SSL.Error as error:
                raise ChannelError(f"TLS ended the connection: {error}") from None

    def write(self, data: bytes) -> None:
        """Encrypts and hands to the socket."""
        for at in range(0, len(data), 16384):
            self.connection.send(data[at : at + 16384])
        self._flush()

    def peer_chain(self) -> list[x509.Certificate]:
        """The certificates that the other side sent, its own first."""
        own = self.connection.get_peer_certificate()
        if own is None:
            raise ChannelError("the other side has no certificate")
        # At the side that was dialled OpenSSL's chain lacks the peer's own certificate.
        first = own.to_cryptography()
        chain = [one.to_cryptography() for one in self.connection.get_peer_cert_chain() or []]
        return [first, *(one for one in chain if one != first)]

    def close(self) -> None:
        """Says goodbye to TLS and closes."""
        try:
            self.connection.shutdown()
            self._flush()
        except SSL.Error:
            pass
        self._writer.close()


@dataclass(frozen=True)
class MessageCame:
    """A control message."""

    bytes: bytes


@dataclass(frozen=True)
class StreamCame:
    """A stream that came to its end."""

    header: bytes
    data: bytes
    trailer: bytes


@dataclass(frozen=True)
class StreamRefused:
    """A stream of ours that the other side does not take."""

    code: int


@dataclass(frozen=True)
class Closed:
    """The end of a connection, with the reason of its goodbye if there was one."""

    reason: int | None


Event = MessageCame | StreamCame | StreamRefused | Closed


@dataclass
class _Incoming:
    header: bytes
    data: bytearray = field(default_factory=bytearray)
    granted: int = frames.WINDOW


@dataclass
class _Outgoing:
    credit: int = 0
    more: asyncio.Event = field(default_factory=asyncio.Event)
    refused: bool = False


class Channel:
    """One connection of ALPN smpc/1; hands what comes to `receive(channel, event)`."""

    def __init__(self, tls: TLS, dialled: bool, receive: Callable[["Channel", Event], None]) -> None:
        self.tls, self._dialled, self._receive = tls, dialled, receive
        self.peer: Certified = read_certificate(tls.peer_chain()[0])
        self._incoming: dict[int, _Incoming] = {}
        self._outgoing: dict[int, _Outgoing] = {}
        self._next_stream = 1 if dialled else 2
        self._last_came = 0
        self._heard = asyncio.get_running_loop().time()
        self._reason: int | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.refuses: Callable[[bytes], int | None] = lambda header: None
        """Says for a stream's header with which code it is refused, if it is."""
        self.closed = False

    def start(self) -> None:
        """Says welcome and begins to read."""
        self.tls.write(frames.welcome())
        self._spawn(self._read())
        self._spawn(self._ping())

    def _spawn(self, work) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def send(self, message: bytes) -> None:
        """Sends a control message."""
        if not self.closed:
            self.tls.write(frames.encode(frames.MESSAGE, message))

    def send_stream(self, header: bytes, data: bytes, trailer: bytes) -> None:
        """Sends a stream, chunk by chunk as credit comes."""
        number, self._next_stream = self._next_stream, self._next_stream + 2
        self._outgoing[number] = _Outgoing()
        self.tls.write(frames.numbered(frames.STREAM_OPEN, number, header))
        self._spawn(self._send_chunks(number, data, trailer))

    async def _send_chunks(self, number: int, data: bytes, trailer: bytes) -> None:
        stream, at = self._outgoing[number], 0
        while at < len(data) and not stream.refused and not self.closed:
            size = min(stream.credit, frames.CHUNK_MAX, len(data) - at)
            if size == 0:
                stream.more.clear()
                await stream.more.wait()
                continue
            self.tls.write(frames.numbered(frames.CHUNK, number, data[at : at + size]))
            stream.credit -= size
            at += size
        if not stream.refused and not self.closed:
            self.tls.write(frames.numbered(frames.STREAM_END, number, trailer))

    async def _read(self) -> None:
        reader = frames.Reader()
        try:
            while data := await self.tls.read():
                self._heard = asyncio.get_running_loop().time()
                for frame in reader.feed(data):
                    self._take(frame)
        except (frames.FrameError, ChannelError) as error:
            self.close(2)
            print(f"connection to {self.peer.identity.hex()[:8]}: {error}", flush=True)
        self.close(None)
        self._receive(self, Closed(self._reason))

    async def _ping(self) -> None:
        nonce = 0
        while not self.closed:
            # Between two pings.
            await asyncio.sleep(PING_SECONDS)
            if asyncio.get_running_loop().time() - self._heard > SILENCE_SECONDS:
                self.close(None)
            elif not self.closed:
                nonce += 1
                self.tls.write(frames.encode(frames.PING, struct.pack(">Q", nonce)))

    def _take(self, frame: frames.Frame) -> None:
        if frame.type == frames.MESSAGE:
            self._receive(self, MessageCame(frame.body))
        elif frame.type == frames.PING:
            self.tls.write(frames.encode(frames.PONG, frame.body))
        elif frame.type == frames.GOODBYE:
            self._reason = frame.number
        elif frame.type == frames.STREAM_OPEN:
            self._open(frame.number, frame.body[4:])
        elif frame.type in (frames.CHUNK, frames.STREAM_END, frames.RESET):
            self._continue(frame)
        elif frame.type in (frames.CREDIT, frames.REFUSE):
            self._answer(frame)

    def _open(self, number: int, header: bytes) -> None:
        if number <= self._last_came or number % 2 == int(self._dialled):
            raise frames.FrameError(f"stream number {number} out of order")
        self._last_came = number
        if (code := self.refuses(header)) is not None:
            self.tls.write(frames.numbered(frames.REFUSE, number, struct.pack(">I", code)))
            return
        self._incoming[number] = _Incoming(header)
        self.tls.write(frames.numbered(frames.CREDIT, number, struct.pack(">I", frames.WINDOW)))

    def _continue(self, frame: frames.Frame) -> None:
        stream = self._incoming.get(frame.number)
        if stream is None:
            # Of a stream that was refused something may still be under way.
            if frame.number > self._last_came:
                raise frames.FrameError(f"stream {frame.number} is not open")
            return
        if frame.type == frames.CHUNK:
            stream.data += frame.body[4:]
            if len(stream.data) > stream.granted:
                raise frames.FrameError("more bytes than were granted")
            quarter = frames.WINDOW // 4
            if stream.granted - len(stream.data) <= frames.WINDOW - quarter:
                stream.granted += quarter
                self.tls.write(frames.numbered(frames.CREDIT, frame.number, struct.pack(">I", quarter)))
        else:
            del self._incoming[frame.number]
            if frame.type == frames.STREAM_END:
                self._receive(self, StreamCame(stream.header, bytes(stream.data), frame.body[4:]))

    def _answer(self, frame: frames.Frame) -> None:
        stream = self._outgoing.get(frame.number)
        if stream is None:
            raise frames.FrameError(f"stream {frame.number} is not ours")
        if frame.type == frames.CREDIT:
            stream.credit += frame.second
        else:
            stream.refused = True
            self._receive(self, StreamRefused(frame.second))
        stream.more.set()

    def close(self, reason: int | None) -> None:
        """Closes, with a goodbye where there is a reason."""
        if self.closed:
            return
        self.closed = True
        if reason is not None:
            self.tls.write(frames.encode(frames.GOODBYE, struct.pack(">I", reason)))
        for stream in self._outgoing.values():
            stream.more.set()
        self.tls.close()


async def dial(credentials: Credentials, address: str, receive: Callable[[Channel, Event], None]) -> Channel:
    """Connects to an address (host:port); the caller looks at `peer` before it calls `start`."""
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    try:
        tls = TLS(credentials.context(), reader, writer)
        await tls.handshake(dials=True)
        return Channel(tls, True, receive)
    except (ChannelError, IdentityError):
        writer.close()
        raise


async def listen(
    credentials: Credentials, receive: Callable[[Channel, Event], None], accept: Callable[[Channel], bool]
) -> tuple[asyncio.AbstractServer, int]:
    """Listens on the loopback interface; `accept` says whether who came is welcome. Returns the port as well."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            tls = TLS(credentials.context(), reader, writer)
            await tls.handshake(dials=False)
            channel = Channel(tls, False, receive)
        except (ChannelError, IdentityError) as error:
            print(f"a connection was refused: {error}", flush=True)
            writer.close()
            return
        if accept(channel):
            channel.start()
        else:
            channel.close(3)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]
