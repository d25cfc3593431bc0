// SPDX-License-Identifier: MIT

import Discovery
import Foundation
import NIOCore

/// One process of a federation as far as discovery goes, for tests with other people's software and for measuring.
///
/// It announces what its options say (nothing without `--id`), and prints each event as one line of JSON with the time of the
/// monotonic clock in seconds. Each line of standard input is answered by the present state; `unanswered ADDRESS PORT` first
/// gives the hint that nobody answered there. The end of standard input ends the process, with goodbye.
@main
struct DiscoveryPeer {
    static func main() async throws {
        let options = try PeerOptions(CommandLine.arguments.dropFirst())
        let service = DiscoveryService(
            advertising: try options.advertisement(), interfaces: options.interfaces,
            generator: options.generator)
        try await service.start()
        let output = PeerOutput(service)
        await output.write("started", ["instance": await service.instance ?? ""])
        let events = Task { for await event in service.events { await output.write(event) } }
        for await line in standardInput() {
            let words = line.split(separator: " ")
            if words.first == "unanswered", words.count == 3, let port = UInt16(words[2]) {
                await service.noteUnanswered(String(words[1]), port: port)
            }
            await output.writeState()
        }
        await service.stop()
        await events.value
    }

    /// The lines of standard input, read by a thread of their own because reading blocks.
    private static func standardInput() -> AsyncStream<String> {
        AsyncStream { continuation in
            Thread.detachNewThread {
                while let line = readLine() { continuation.yield(line) }
                continuation.finish()
            }
        }
    }
}
