// SPDX-License-Identifier: MIT

import Identity
import Primitives

/// The identities of simulated parties: the same ones in every run, of fixed scalars, so that nothing has to be drawn.
enum SimulatedKeys {
    /// The most parties of a run, with those that a corrupt coordinator invents.
    static let partiesMax = 32

    static let keys: [SigningKey] = (0...partiesMax).map { index in
        do {
            return try SigningKey(scalar: SecretBytes([UInt8](repeating: 0, count: 31) + [UInt8(index + 1)]))
        } catch {
            preconditionFailure("small scalars are keys of P-256: \(error)")
        }
    }

    /// The coordinator's key.
    static var coordinator: SigningKey { keys[partiesMax] }
}

/// Signs with a hash of the public key and the message: as fast as a simulation needs, and forged by nobody who does not try.
/// Simulated parties sign with their own key alone.
struct KeyedHashSigner: Signer {
    let publicKey: PublicKey

    func sign(_ message: [UInt8]) -> [UInt8] { Self.signature(of: message, under: publicKey) }

    static func signature(of message: [UInt8], under key: PublicKey) -> [UInt8] {
        var hasher = SHA256Hasher()
        hasher.update(key.spkiHash.bytes)
        hasher.update(message)
        return Array(hasher.finalize().bytes.prefix(16))
    }
}

/// Verifies what `KeyedHashSigner` signs.
struct KeyedHashVerifier: Verifier {
    func isValid(signature: [UInt8], for message: [UInt8], under key: PublicKey) -> Bool {
        signature == KeyedHashSigner.signature(of: message, under: key)
    }
}

/// How the parties of one run sign: with a keyed hash in most, with ECDSA in a few.
struct Signing: Sendable {
    let isReal: Bool

    var verifier: any Verifier { isReal ? ECDSAVerifier() : KeyedHashVerifier() }

    func signer(_ key: SigningKey) -> any Signer { isReal ? key : KeyedHashSigner(publicKey: key.publicKey) }
}
