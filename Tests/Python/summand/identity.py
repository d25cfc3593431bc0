# SPDX-License-Identifier: MIT
"""Keys, certificates and signed envelopes (sections 2 and 3)."""

import datetime
import re
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from summand.primitives import party_id, sign_input
from summand.protobuf import Message, Schema

SOURCES = Path(__file__).resolve().parents[3] / "Sources"
SCHEMA = Schema(SOURCES / "Messages" / "Protos" / "summand.proto")
ENROLLMENT_SCHEMA = Schema(SOURCES / "Identity" / "Protos" / "enrollment.proto")
COORDINATOR, PARTY = "coordinator", "party"


class IdentityError(ValueError):
    """A certificate, signature or token that does not hold."""


def spki_of(key: ec.EllipticCurvePublicKey) -> bytes:
    """The SubjectPublicKeyInfo in DER."""
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def public_key(spki: bytes) -> ec.EllipticCurvePublicKey:
    """Reads a P-256 key."""
    key = serialization.load_der_public_key(spki)
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise IdentityError("the key is not of P-256")
    return key


@dataclass(frozen=True)
class Certified:
    """What a certificate says about who holds its key."""

    federation: str
    role: str
    spki: bytes

    @property
    def identity(self) -> bytes:
        """The first 16 bytes of the key's hash."""
        return party_id(self.spki)


def read_certificate(certificate: x509.Certificate) -> Certified:
    """Reads the role; refuses a certificate whose URI does not fit its key, or that is not valid now."""
    now = datetime.datetime.utcnow()
    if not certificate.not_valid_before <= now <= certificate.not_valid_after:
        raise IdentityError("the certificate is not valid now")
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise IdentityError("the certificate's key is not of P-256")
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    match = re.fullmatch(r"spiffe://([A-Za-z0-9-]{1,63})/(coordinator|party/([0-9a-f]{32}))", " ".join(uris))
    if not match:
        raise IdentityError(f"the certificate's URIs name no role: {uris}")
    spki = spki_of(key)
    if match[3] is not None and match[3] != party_id(spki).hex():
        raise IdentityError("the certificate's URI is that of another key")
    return Certified(match[1], COORDINATOR if match[3] is None else PARTY, spki)


def require_issued(certificate: x509.Certificate, authority: x509.Certificate) -> None:
    """Refuses a certificate that this authority has not signed."""
    key = authority.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or certificate.issuer != authority.subject:
        raise IdentityError("the certificate is of another authority")
    try:
        key.verify(certificate.signature, certificate.tbs_certificate_bytes, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise IdentityError("the authority has not signed the certificate") from None


def sign(key: ec.EllipticCurvePrivateKey, name: str, epoch_hash: bytes, payload: bytes) -> bytes:
    """ECDSA, P-256, SHA-256, in DER, over the bytes of section 2."""
    return key.sign(sign_input(name, epoch_hash, payload), ec.ECDSA(hashes.SHA256()))


def verify(spki: bytes, name: str, epoch_hash: bytes, payload: bytes, signature: bytes) -> None:
    """Raises IdentityError unless the signature holds."""
    try:
        public_key(spki).verify(signature, sign_input(name, epoch_hash, payload), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise IdentityError(f"the signature of this {name} does not hold") from None


@dataclass(frozen=True)
class Signer:
    """A member's private key."""

    key: ec.EllipticCurvePrivateKey

    def seal(self, name: str, epoch_hash: bytes, schema_name: str, message: Message) -> Message:
        """An envelope around a message; the payload is encoded once, here."""
        payload = SCHEMA.encode(schema_name, message)
        return {"payload": payload, "signature": sign(self.key, name, epoch_hash, payload)}


def open_envelope(envelope: Message, spki: bytes, name: str, schema_name: str, zero_epoch: bool = False) -> Message:
    """Parses a payload and verifies over the bytes as they came, under the epochHash that it names."""
    message = SCHEMA.decode(schema_name, envelope["payload"])
    epoch_hash = bytes(32) if zero_epoch else message["epoch_hash"]
    verify(spki, name, epoch_hash, envelope["payload"], envelope["signature"])
    return message
