// SPDX-License-Identifier: MIT

import Foundation
import Primitives

/// Measures the channel: bulk, handshakes and idle connections, each beside what it is compared with.
@main struct Program {
    /// The least that bulk and handshakes must reach of their references.
    private static let bulkLeast = 0.9
    private static let handshakesLeast = 1.0
    /// The most resident bytes of an idle connection, on either side.
    private static let idleBytesMost = 65_536.0

    static func main() async throws {
        // As the programs do.
        HeapReserve.keepFreedPages()
        let arguments = Array(CommandLine.arguments.dropFirst())
        if arguments.first == "--dial", arguments.count == 3, let port = Int(arguments[1]),
            let count = Int(arguments[2])
        {
            try await IdleConnections.dialAndWait(port: port, count: count)
        }
        let isQuick = arguments.contains("--quick")
        let measurements = [("bulk", bulk), ("handshakes", handshakes), ("idle", idle)]
        let names = measurements.map(\.0)
        let wanted = Set(zip(arguments, arguments.dropFirst()).filter { $0.0 == "--only" }.map(\.1))
        let known = ["--quick", "--check", "--only"]
        if let unknown = arguments.first(where: { !known.contains($0) && !wanted.contains($0) })
            ?? wanted.first(where: { !names.contains($0) })
        {
            FileHandle.standardError.write(Data("ChannelBenchmarks: unknown argument \(unknown)\n".utf8))
            exit(64)
        }
        let federation = try Federation()
        say("load averages at the beginning \(try loadAverages())")
        var isMet: [Bool] = []
        for (name, measure) in measurements where wanted.isEmpty || wanted.contains(name) {
            isMet.append(try await measure(federation, isQuick))
        }
        say("load averages at the end \(try loadAverages())")
        if arguments.contains("--check"), isMet.contains(false) { exit(1) }
    }

    private static func bulk(_ federation: Federation, _ isQuick: Bool) async throws -> Bool {
        let transfer = BulkTransfer(federation: federation, bytes: isQuick ? 64 << 20 : 256 << 20)
        let rates = try await transfer.measure(repetitions: isQuick ? 3 : 31)
        let unit = Double(1 << 20)
        let control = try firstLine(of: "/proc/sys/net/ipv4/tcp_congestion_control")
        say("congestion control \(control); measured again, as the host took processors: \(rates.disturbed) pairs")
        return compare(
            "bulk, MiB/s", rates.own.map { $0 / unit }, with: "blocking OpenSSL", rates.reference.map { $0 / unit },
            least: bulkLeast)
    }

    private static func handshakes(_ federation: Federation, _ isQuick: Bool) async throws -> Bool {
        let handshakes = Handshakes(federation: federation, seconds: isQuick ? 1 : 3)
        let rates = try await handshakes.measure(repetitions: isQuick ? 1 : 7)
        let reference = "openssl s_time"
        _ = compare(
            "full mutual handshakes/s, one after another", rates.consecutive, with: reference, rates.reference,
            least: nil)
        return compare(
            "full mutual handshakes/s, two under way", rates.overlapping, with: reference, rates.reference,
            least: handshakesLeast)
    }

    private static func idle(_ federation: Federation, _ isQuick: Bool) async throws -> Bool {
        let count = isQuick ? 100 : 1_000
        let (server, client) = try await IdleConnections(federation: federation, count: count).measure()
        let isMet = max(server, client) <= idleBytesMost
        say(
            String(
                format: "%d idle connections, resident KiB each: %.1f accepted, %.1f dialled, at most %.0f wanted%@",
                count,
                server / 1024, client / 1024, idleBytesMost / 1024, isMet ? "" : ": missed"))
        return isMet
    }

    /// Prints medians, and the median of the ratios of neighbours in time; without a limit it is always met.
    private static func compare(
        _ what: String, _ own: [Double], with other: String, _ reference: [Double], least: Double?
    ) -> Bool {
        let ratio = median(zip(own, reference).map { $0 / $1 })
        let isMet = least.map { ratio >= $0 } ?? true
        let limit = least.map { String(format: ", at least %.2f wanted%@", $0, isMet ? "" : ": missed") } ?? ""
        say(
            String(
                format: "%@: %.0f, %@ %.0f; ratio %.3f (median of %d)%@", what, median(own), other, median(reference),
                ratio, own.count, limit))
        return isMet
    }

    private static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        return sorted.count % 2 == 1
            ? sorted[sorted.count / 2] : (sorted[sorted.count / 2 - 1] + sorted[sorted.count / 2]) / 2
    }

    private static func loadAverages() throws -> String {
        try firstLine(of: "/proc/loadavg").split(separator: " ").prefix(3).joined(separator: ", ")
    }

    private static func firstLine(of path: String) throws -> String {
        try String(String(contentsOfFile: path, encoding: .utf8).prefix { $0 != "\n" })
    }

    /// Writes at once, also into a pipe.
    private static func say(_ line: String) {
        FileHandle.standardOutput.write(Data((line + "\n").utf8))
    }
}
