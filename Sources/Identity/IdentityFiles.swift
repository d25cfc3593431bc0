// SPDX-License-Identifier: MIT

import Foundation
import Primitives

/// The names of the files in a state directory, and how keys and certificates lie in them: as PEM.
enum IdentityFiles {
    static let authorityKey = "ca-key.pem"
    /// The key of an authority that is about to take the place of the one in `authorityKey`.
    static let nextAuthorityKey = "ca-key.new.pem"
    static let authority = "ca.pem"
    static let key = "key.pem"
    static let certificate = "certificate.pem"

    static func path(_ directory: String, _ name: String) -> String {
        directory.hasSuffix("/") ? directory + name : directory + "/" + name
    }

    static func readKey(_ path: String) throws(IdentityError) -> SigningKey {
        let pem = SecretBytes(try PrivateFile.read(path))
        do {
            return try SigningKey(pem: pem)
        } catch {
            throw .fileMalformed(path: path, reason: error.description)
        }
    }

    /// Reads a key that may be encrypted. Throws `authorityKeyLocked` and `authorityPassphraseWrong` as well.
    static func readKey(_ path: String, passphrase: SecretBytes?) throws(IdentityError) -> SigningKey {
        let pem = SecretBytes(try PrivateFile.read(path))
        do {
            guard let passphrase else { return try SigningKey(pem: pem) }
            return try SigningKey(pem: pem, passphrase: passphrase)
        } catch .keyEncrypted {
            throw .authorityKeyLocked(path: path)
        } catch .passphraseWrong {
            throw .authorityPassphraseWrong(path: path)
        } catch {
            throw .fileMalformed(path: path, reason: error.description)
        }
    }

    static func readCertificate(_ path: String) throws(IdentityError) -> Certificate {
        let pem = String(decoding: try PrivateFile.read(path), as: UTF8.self)
        do {
            return try Certificate(pem: pem)
        } catch {
            throw .fileMalformed(path: path, reason: error.description)
        }
    }

    /// Reads the authorities in a file: one certificate, or what `Authorities` lists.
    static func readAuthorities(_ path: String) throws(IdentityError) -> Authorities {
        let end = "-----END CERTIFICATE-----"
        let text = String(decoding: try PrivateFile.read(path), as: UTF8.self)
        var list: [Certificate] = []
        for part in text.components(separatedBy: end).dropLast().prefix(Authorities.countMax + 1) {
            do {
                list.append(try Certificate(pem: part + end + "\n"))
            } catch {
                throw .fileMalformed(path: path, reason: error.description)
            }
        }
        guard !list.isEmpty else { throw .fileMalformed(path: path, reason: "no PEM certificate") }
        do {
            return try Authorities(list: list)
        } catch {
            throw .fileMalformed(path: path, reason: error.description)
        }
    }

    /// Replaces the authorities in a file, all at once.
    static func write(_ authorities: Authorities, to path: String) throws(IdentityError) {
        try PrivateFile.write(authorities.list.map(\.pem).joined(), to: path)
    }

    /// Writes a key, encrypted if there is a passphrase.
    static func write(
        _ key: SigningKey, to path: String, passphrase: SecretBytes? = nil
    ) throws(IdentityError) {
        let pem: SecretBytes
        do {
            pem = if let passphrase { try key.pem(passphrase: passphrase) } else { try key.pem() }
        } catch {
            throw .primitive(error)
        }
        var bytes = pem.exposedBytes()
        defer { SecretBytes.wipe(&bytes) }
        try PrivateFile.write(bytes, to: path)
    }
}
