// SPDX-License-Identifier: MIT

import Foundation
import Primitives
import Transport

/// Measures the memory of connections on which nothing happens but pings: this process accepts them, another one dials.
struct IdleConnections {
    let federation: Federation
    let count: Int

    /// The resident bytes of a connection in the process that accepts, and in the one that dials.
    func measure() async throws -> (server: Double, client: Double) {
        var configuration = TransportConfiguration()
        configuration.connectionsPerPeerMax = count
        let listener = try await Listener.bind(
            host: "127.0.0.1", port: 0, identity: federation.coordinator, configuration: configuration)
        // Neither the first connection nor the code that it brings in is counted.
        let first = try await dial(
            host: "127.0.0.1", port: listener.port, identity: federation.party,
            expecting: .coordinator(federation: federation.name))
        var accepted = listener.connections.makeAsyncIterator()
        _ = await accepted.next()
        let before = try Self.residentBytes()
        let process = Process()
        process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = ["--dial", "\(listener.port)", "\(count)"]
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        try input.fileHandleForWriting.write(contentsOf: Data(federation.fileText().utf8))
        try input.fileHandleForWriting.close()
        var held: [Connection] = []
        while held.count < count, let connection = await accepted.next() { held.append(connection) }
        // It prints its figure after some rounds of pings.
        let text = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        let server = Double(try Self.residentBytes() - before) / Double(held.count)
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        await first.close()
        await listener.close()
        guard held.count == count, let client = Double(text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw Federation.Impossible(
                what: "\(held.count) of \(count) connections, and the other process said: \(text)")
        }
        return (server, client)
    }

    /// The other process: dials, pings every connection three times, prints the resident bytes of a connection and waits
    /// until the first process ends it, or is gone.
    static func dialAndWait(port: Int, count: Int) async throws -> Never {
        let text = String(decoding: FileHandle.standardInput.readDataToEndOfFile(), as: UTF8.self)
        let federation = try Federation(fileText: text)
        var held: [Connection] = []
        var before = 0
        for index in 0..<count {
            held.append(
                try await dial(
                    host: "127.0.0.1", port: port, identity: federation.party,
                    expecting: .coordinator(federation: federation.name)))
            if index == 0 { before = try residentBytes() }
        }
        for _ in 0..<3 {
            for connection in held { _ = try await connection.ping() }
        }
        print(Double(try residentBytes() - before) / Double(count - 1))
        fflush(nil)
        for connection in held {
            for try await _ in connection.events {}
        }
        exit(0)
    }

    private static func residentBytes() throws -> Int {
        let fields = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
        guard fields.count > 1, let pages = Int(fields[1]) else {
            throw Federation.Impossible(what: "/proc/self/statm")
        }
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}
