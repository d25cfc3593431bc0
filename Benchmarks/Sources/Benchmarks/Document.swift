// SPDX-License-Identifier: MIT

import Foundation

/// A document in which the part between two markers comes from here.
struct Document {
    static let begin = "<!-- scripts/bench.sh kernels: begin -->"
    static let end = "<!-- scripts/bench.sh kernels: end -->"

    enum Problem: Error, Equatable {
        case markersMissing(path: String)
    }

    let path: String

    /// Puts the text between the markers.
    func replace(with text: String) throws {
        let old = try String(contentsOfFile: path, encoding: .utf8)
        guard let begin = old.range(of: Self.begin), let end = old.range(of: Self.end),
            begin.upperBound <= end.lowerBound
        else { throw Problem.markersMissing(path: path) }
        let new = old[..<begin.upperBound] + "\n\n" + text + "\n" + old[end.lowerBound...]
        try String(new).write(toFile: path, atomically: true, encoding: .utf8)
    }
}
