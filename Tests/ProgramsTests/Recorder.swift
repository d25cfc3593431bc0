// SPDX-License-Identifier: MIT

import FoundationEssentials
import Synchronization

@testable import Programs

/// Records what a console prints.
final class Recorder: Sendable {
    private let text = Mutex((output: "", error: ""))

    var output: String { text.withLock { $0.output } }
    var error: String { text.withLock { $0.error } }

    func console(redraws: Bool = false, colors: Bool = false, columns: Int = 40) -> Console {
        Console(redraws: redraws, colors: colors, columns: { columns }) { stream, written in
            self.text.withLock {
                switch stream {
                case .output: $0.output += written
                case .error: $0.error += written
                }
            }
        }
    }
}

/// Runs the body with a directory that is removed afterwards.
func withDirectory<Result>(_ body: (String) throws -> Result) throws -> Result {
    let path = "\(FileManager.default.temporaryDirectory.path)/programs-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try body(path)
}
