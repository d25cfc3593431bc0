# SPDX-License-Identifier: MIT
"""Enrolment: a token is exchanged for a certificate (section 14)."""

import asyncio
import base64
import time
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from summand import frames
from summand.channel import ALPN_ENROLL, TLS, ChannelError, Credentials, bare_context
from summand.identity import (
    COORDINATOR,
    ENROLLMENT_SCHEMA,
    PARTY,
    IdentityError,
    read_certificate,
    require_issued,
    sign,
    spki_of,
)
from summand.primitives import Sized, mac, party_id, sha256

PREFIX = "summand1."
EXPORTER = b"EXPORTER-summand-enrollment"
ZERO = bytes(32)


@dataclass(frozen=True)
class Token:
    """An invitation. Its bearer can join in the member's place, so it is never printed."""

    federation: str
    authority: bytes
    secret: bytes
    name: str
    expiry: int
    addresses: list[str]

    @property
    def identity(self) -> bytes:
        """Its public name."""
        return sha256(self.secret)[:16]

    def __repr__(self) -> str:
        return f"Token({self.federation}, {self.name})"


def read_token(text: str) -> Token:
    """Reads a token; raises ValueError where it does not parse."""
    text = text.strip()
    if not text.startswith(PREFIX):
        raise ValueError("this is no token")
    encoded = text.removeprefix(PREFIX)
    data = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
    at = 0

    def take(count: int) -> bytes:
        nonlocal at
        if at + count > len(data):
            raise ValueError("the token is cut short")
        at += count
        return data[at - count : at]

    def text_of() -> str:
        return take(take(1)[0]).decode()

    federation, authority, secret, name = text_of(), take(32), take(32), text_of()
    expiry = int.from_bytes(take(8), "big")
    addresses = [text_of() for _ in range(take(1)[0])]
    if at != len(data) or len(addresses) > 16:
        raise ValueError("the token has something behind its end")
    return Token(federation, authority, secret, name, expiry, addresses)


def der(certificate: x509.Certificate) -> bytes:
    """The certificate in DER."""
    return certificate.public_bytes(serialization.Encoding.DER)


def require_coordinator(chain: list[x509.Certificate], token: Token) -> None:
    """Refuses a server whose chain does not end in the token's authority, or that is no coordinator."""
    if len(chain) < 2 or sha256(der(chain[-1])) != token.authority:
        raise IdentityError("the server's chain does not end in the authority of the token")
    for issued, by in zip(chain, chain[1:], strict=False):
        require_issued(issued, by)
    certified = read_certificate(chain[0])
    if (certified.federation, certified.role) != (token.federation, COORDINATOR):
        raise IdentityError(f"the server is {certified.role} of {certified.federation}")


async def enroll(token: Token, address: str) -> Credentials:
    """Makes a key and brings back a certificate for it."""
    if token.expiry < time.time():
        raise IdentityError("the token is past its expiry")
    key = ec.generate_private_key(ec.SECP256R1())
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    tls = TLS(bare_context(ALPN_ENROLL), reader, writer)
    await tls.handshake(dials=True)
    # The authority is only known by its hash, so the chain is looked at after the handshake.
    require_coordinator(tls.peer_chain(), token)
    answer = await ask(tls, request(token, key, tls.connection.export_keying_material(EXPORTER, 32, b"")))
    tls.close()
    if "grant" not in answer:
        raise IdentityError(f"the server refused: reason {answer['refusal']['reason']}")
    return granted(answer["grant"], token, key)


def request(token: Token, key: ec.EllipticCurvePrivateKey, exporter: bytes) -> bytes:
    """The request for one connection."""
    payload = ENROLLMENT_SCHEMA.encode(
        "EnrollmentPayload",
        {
            "token_id": token.identity,
            "name": token.name,
            "spki": spki_of(key.public_key()),
            "certificate_request": certificate_request(token.federation, token.name, key),
        },
    )
    signature = sign(key, "EnrollmentRequest", ZERO, payload)
    authenticator = mac(token.secret, "enrollment", exporter, Sized(payload), Sized(signature))
    return ENROLLMENT_SCHEMA.encode(
        "EnrollmentRequest", {"payload": payload, "signature": signature, "authenticator": authenticator}
    )


def certificate_request(federation: str, name: str, key: ec.EllipticCurvePrivateKey) -> bytes:
    """What an authority whose key is elsewhere would sign."""
    uri = f"spiffe://{federation}/party/{party_id(spki_of(key.public_key())).hex()}"
    builder = x509.CertificateSigningRequestBuilder(
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    ).add_extension(x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri)]), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


async def ask(tls: TLS, request: bytes) -> dict:
    """Sends the one request and waits for the one answer."""
    tls.write(frames.welcome() + frames.encode(frames.MESSAGE, request))
    reader = frames.Reader()
    while data := await tls.read():
        for frame in reader.feed(data):
            if frame.type == frames.MESSAGE:
                return ENROLLMENT_SCHEMA.decode("EnrollmentResponse", frame.body)
    raise ChannelError("the server hung up without an answer")


def granted(grant: dict, token: Token, key: ec.EllipticCurvePrivateKey) -> Credentials:
    """Checks what the server granted."""
    authority = x509.load_der_x509_certificate(grant["authority"])
    if sha256(grant["authority"]) != token.authority:
        raise IdentityError("the authority in the answer is not that of the token")
    certificate = x509.load_der_x509_certificate(grant["certificate"])
    require_issued(certificate, authority)
    certified = read_certificate(certificate)
    if (certified.federation, certified.role, certified.spki) != (
        token.federation,
        PARTY,
        spki_of(key.public_key()),
    ):
        raise IdentityError("the certificate is for somebody else")
    return Credentials(key, certificate, authority)
