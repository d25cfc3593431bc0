// SPDX-License-Identifier: MIT

import Primitives

/// Carries the bytes of a signed object and the signature over them (protocol section 2, "A signed object").
public struct Envelope: Equatable, Hashable, Sendable {
    /// The encoded payload, exactly as it was signed.
    public let payload: [UInt8]
    /// An ECDSA P-256 signature in DER.
    public let signature: [UInt8]

    /// Makes an envelope from its parts without looking at them.
    public init(payload: [UInt8], signature: [UInt8]) {
        self.payload = payload
        self.signature = signature
    }

    /// The longest payload that a receiver opens, in bytes.
    public static let payloadBytesMax = 1 << 20
}

/// The content of a signed object: its name in the protocol, its bytes and the epoch that it names.
public protocol SignedPayload: Equatable, Sendable {
    /// The name of the message in `docs/PROTOCOL.md`, part of what is signed.
    static var name: String { get }

    /// The epoch under which the signature is made, or 32 zero bytes before the epoch exists.
    var signingEpoch: Digest { get }

    /// Parses a payload.
    ///
    /// - Throws: `InvalidMessage` when the bytes are not a payload of this kind.
    init(payload: [UInt8]) throws(InvalidMessage)

    /// Encodes the payload.
    func encoded() -> [UInt8]
}

/// A payload whose signature has been made here or verified.
public struct Signed<Payload: SignedPayload>: Equatable, Sendable {
    /// What was signed.
    public let value: Payload
    /// The bytes that were signed, and the signature.
    public let envelope: Envelope

    /// Signs a payload.
    public init(signing value: Payload, with signer: some Signer) throws {
        let payload = value.encoded()
        let input = signatureInput(Payload.name, epoch: value.signingEpoch, payload: payload)
        self.value = value
        self.envelope = Envelope(payload: payload, signature: try signer.sign(input))
    }

    /// Opens an envelope that `key` must have signed.
    ///
    /// - Parameter verifier: ECDSA but in the simulator.
    /// - Throws: `InvalidMessage` when the payload does not parse or the signature does not verify.
    public init(
        opening envelope: Envelope, signedBy key: PublicKey, using verifier: some Verifier = ECDSAVerifier()
    ) throws(InvalidMessage) {
        guard envelope.payload.count <= Envelope.payloadBytesMax else {
            throw .count(
                message: Payload.name, field: "payload", atMost: Envelope.payloadBytesMax,
                actual: envelope.payload.count)
        }
        let value = try Payload(payload: envelope.payload)
        let input = signatureInput(Payload.name, epoch: value.signingEpoch, payload: envelope.payload)
        guard verifier.isValid(signature: envelope.signature, for: input, under: key) else {
            throw .signature(message: Payload.name)
        }
        self.value = value
        self.envelope = envelope
    }
}

/// Builds the bytes that a signature covers: `summand/v1 sign <name>`, a zero byte, the epoch, u32 length, payload.
public func signatureInput(_ name: String, epoch: Digest, payload: [UInt8]) -> [UInt8] {
    LabeledBytes("sign \(name)").fixed(epoch).variable(payload).bytes
}
