// SPDX-License-Identifier: MIT

import Foundation
import Identity
import Primitives
import Programs
import Storage

/// The state directory of a server.
struct ServerState: Sendable {
    let directory: String

    var configurationPath: String { "\(directory)/config.toml" }
    var databasePath: String { "\(directory)/\(ServerStore.fileName)" }

    /// The server's identity; a certificate that ends within 30 days is renewed for the same key.
    func identity(passphrase: SecretBytes? = nil) throws -> PartyIdentity {
        try .coordinator(directory: directory, passphrase: passphrase)
    }

    /// Opens the database.
    func store() throws -> ServerStore { try ServerStore(path: databasePath) }

    /// The layers of configuration below the command line.
    func settings() throws(ProgramError) -> Settings { try Settings(file: configurationPath) }
}
