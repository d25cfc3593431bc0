// SPDX-License-Identifier: MIT

import FoundationEssentials
import Glibc
import Identity
import Programs

/// Names the files of a site's state directory and reads them.
struct SiteDirectory: Sendable {
    let path: String

    init(_ path: String) {
        var path = path[...]
        while path.count > 1, path.last == "/" { path.removeLast() }
        self.path = String(path)
    }

    var database: String { "\(path)/site.sqlite" }
    var configuration: String { "\(path)/config.toml" }
    var policy: String { "\(path)/policy.toml" }
    var epochKeys: String { "\(path)/keys/epoch.keys" }
    var recordSeal: String { "\(path)/keys/record.seal" }
    var keptUpdate: String { "\(path)/update/kept.update" }
    var model: String { "\(path)/model.safetensors" }
    var models: String { "\(path)/models" }
    var evidence: String { "\(path)/evidence" }

    /// Whether there is such a directory.
    var exists: Bool {
        var isDirectory = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && isDirectory
    }

    /// Reads the identity that `join` left here, or says that it has to come first.
    func identity() throws -> PartyIdentity {
        guard PartyIdentity.exists(directory: path) else {
            throw ProgramError(
                .usage, exists ? "holds no identity" : "no such directory", subject: path,
                remedy: "join first: smpc-client join --state \(path) < token, or name another directory with --state")
        }
        let identity = try PartyIdentity.load(directory: path)
        guard identity.role == .party(identity.id) else {
            throw ProgramError(
                .usage, "holds the identity of a coordinator, not of a site", subject: path,
                remedy: "name the site's directory with --state")
        }
        return identity
    }

    /// Reads a whole file; nil if it does not exist or cannot be read.
    static func read(_ path: String) -> [UInt8]? {
        FileManager.default.contents(atPath: path).map { [UInt8]($0) }
    }

    /// Removes a file, whether or not it exists.
    static func remove(_ path: String) throws {
        guard unlink(path) == 0 || errno == ENOENT else {
            throw IdentityError.fileUnwritable(path: path, reason: String(cString: strerror(errno)))
        }
    }
}
