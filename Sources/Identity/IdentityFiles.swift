// SPDX-License-Identifier: MIT

import Primitives

/// The names of the files in a state directory, and how keys and certificates lie in them: as PEM.
enum IdentityFiles {
    static let authorityKey = "ca-key.pem"
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

    static func readCertificate(_ path: String) throws(IdentityError) -> Certificate {
        let pem = String(decoding: try PrivateFile.read(path), as: UTF8.self)
        do {
            return try Certificate(pem: pem)
        } catch {
            throw .fileMalformed(path: path, reason: error.description)
        }
    }

    static func write(_ key: SigningKey, to path: String) throws(IdentityError) {
        let pem: SecretBytes
        do {
            pem = try key.pem()
        } catch {
            throw .primitive(error)
        }
        try PrivateFile.write(pem.exposedBytes(), to: path)
    }
}
