// SPDX-License-Identifier: MIT

import Foundation
import Reporting

/// Finds what lies around the directories of runs.
enum RunFolder {
    /// Says why there is no place for a report.
    enum Failure: Error, Equatable, CustomStringConvertible {
        /// The runs have only the root in common.
        case nothingInCommon

        var description: String {
            "the runs lie in no common directory; name one for the report with --report DIR"
        }
    }

    /// Reads the label counts of a run's data, from its directory or the one above it; nil when there are none.
    static func labels(of run: String) throws -> LabelCounts? {
        let directory = resolved(run)
        for place in [directory, directory.deletingLastPathComponent()] {
            if let labels = try LabelCounts.read(file: place.appending(path: LabelCounts.file).path) { return labels }
        }
        return nil
    }

    /// The innermost directory that holds all the runs.
    static func common(_ runs: [String]) throws(Failure) -> String {
        let parents = runs.map { Array(resolved($0).deletingLastPathComponent().pathComponents) }
        guard var shared = parents.first else { throw .nothingInCommon }
        for parent in parents.dropFirst() {
            shared = zip(shared, parent).prefix { $0 == $1 }.map(\.0)
        }
        guard shared.count > 1 else { throw .nothingInCommon }
        return "/" + shared.dropFirst().joined(separator: "/")
    }

    private static func resolved(_ path: String) -> URL {
        URL(filePath: path, directoryHint: .isDirectory).resolvingSymlinksInPath().standardizedFileURL
    }
}
