// SPDX-License-Identifier: MIT

import Foundation
import Glibc
import Identity
import Messages
import Primitives
import Programs

/// Reads, writes and removes the larger files of a state directory: sums and parameters.
struct StateFiles: Sendable {
    let directory: String

    /// The sum of a round's uploads.
    func uploadSum(_ ctx: String) -> String { "\(directory)/sums/\(ctx).y" }
    /// The sum S of a round.
    func sum(_ ctx: String) -> String { "\(directory)/sums/\(ctx).s" }
    /// Parameters by their hash, Float32 little-endian.
    func model(_ paramsHash: String) -> String { "\(directory)/models/\(paramsHash).f32" }
    /// The present model for everybody else.
    var modelFile: String { "\(directory)/model.safetensors" }

    /// Keeps a signed statement for people to show; gives its path.
    func saveEvidence(_ name: String, _ envelope: Envelope) throws -> String {
        let bytes = envelope.encoded()
        let path = "\(directory)/evidence/\(name)-\(SHA256.hash(bytes).hex.prefix(16)).envelope"
        try write(bytes, to: path)
        return path
    }

    /// Replaces a file; it is on disk when this returns.
    func write(_ bytes: [UInt8], to path: String) throws {
        try PrivateFile.write(bytes, to: path)
    }

    /// Reads a whole file.
    func read(_ path: String) throws -> [UInt8] {
        do {
            return [UInt8](try Data(contentsOf: URL(filePath: path)))
        } catch {
            throw ProgramError(
                .failed, "cannot be read", subject: path, remedy: "the state directory must be whole",
                details: ["\(error)"])
        }
    }

    func exists(_ path: String) -> Bool { PrivateFile.exists(path) }

    /// Removes a file that nothing needs any more; what remains only takes space.
    func remove(_ path: String) { unlink(path) }

    /// Removes the files of a folder that are not in the list.
    func prune(_ folder: String, keeping names: Set<String>) {
        let path = "\(directory)/\(folder)"
        for name in (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] where !names.contains(name) {
            remove("\(path)/\(name)")
        }
    }
}
