// SPDX-License-Identifier: MIT

import Foundation
import Identity
import Programs
import Storage

/// The state directory of a server.
struct ServerState: Sendable {
    let directory: String

    var configurationPath: String { "\(directory)/config.toml" }
    var databasePath: String { "\(directory)/\(ServerStore.fileName)" }

    /// The server's identity; a certificate that ends within 30 days is renewed for the same key.
    func identity() throws -> PartyIdentity {
        guard PartyIdentity.exists(directory: directory) else {
            throw ProgramError(
                .usage, "no federation lies here", subject: directory,
                remedy: "make it with smpc-server init --state \(directory) --federation NAME")
        }
        let identity = try PartyIdentity.load(directory: directory)
        guard identity.role == .coordinator else {
            throw ProgramError(
                .usage, "is the state of a site, not of a server", subject: directory,
                remedy: "name the directory that smpc-server init made")
        }
        guard identity.certificate.notAfter < unixNow() + Self.renewalSeconds else { return identity }
        let authority = try CertificateAuthority.load(directory: directory)
        let renewed = try PartyIdentity(
            key: identity.key,
            certificate: authority.issueCoordinator(publicKey: identity.key.publicKey, now: unixNow()),
            authority: authority.certificate)
        try renewed.save(directory: directory)
        return renewed
    }

    /// Opens the database.
    func store() throws -> ServerStore { try ServerStore(path: databasePath) }

    /// The layers of configuration below the command line.
    func settings() throws(ProgramError) -> Settings { try Settings(file: configurationPath) }

    private static let renewalSeconds: Int64 = 30 * 86_400
}
