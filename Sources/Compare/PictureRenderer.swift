// SPDX-License-Identifier: MIT

import Foundation

/// Makes PNG pictures of SVG files with `rsvg-convert`: no package draws them in Swift here.
struct PictureRenderer: Sendable {
    /// Says what went wrong with one picture.
    struct Failure: Error, Equatable, CustomStringConvertible {
        let svg: String
        let code: Int32

        var description: String { "rsvg-convert ended with exit code \(code) at \(svg)" }
    }

    /// What to do when it is missing.
    static let remedy = "rsvg-convert is missing; install it with: apt-get install librsvg2-bin"

    private let program: URL

    /// Finds the program in the directories of `PATH`; nil when it is in none.
    static func installed(path: String? = ProcessInfo.processInfo.environment["PATH"]) -> PictureRenderer? {
        (path ?? "").split(separator: ":").map { URL(filePath: String($0)).appending(path: "rsvg-convert") }
            .first { FileManager.default.isExecutableFile(atPath: $0.path) }
            .map { PictureRenderer(program: $0) }
    }

    /// Writes a PNG file with twice the resolution that the SVG file asks for.
    func render(svg: String, png: String) throws {
        let process = Process()
        process.executableURL = program
        process.arguments = ["--zoom", "2", "--output", png, svg]
        process.standardInput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failure(svg: svg, code: process.terminationStatus) }
    }
}
