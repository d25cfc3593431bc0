// SPDX-License-Identifier: MIT

import Foundation
import Storage
import Synchronization
import Testing
import Transport

/// Draws ports for servers that are off for a while and come back: below those that the system gives to connections, one of
/// which would have taken the port meanwhile (ip(7), `ip_local_port_range`).
private enum Ports {
    private static let last = Mutex(Int.random(in: 10_000..<30_000))

    static func draw() -> Int {
        last.withLock { last in
            repeat { last = last < 29_999 ? last + 1 : 10_000 } while PortProbe(host: "127.0.0.1", port: last) != .free
            return last
        }
    }
}

/// A server and its sites as real processes on loopback, in a directory of their own.
final class ProcessFederation {
    /// So many that a run is not over before a kill that comes late, and few enough to wait for: three seconds or more.
    static let manyRounds = 30

    let directory: URL
    let sites: Int
    let rounds: Int
    private(set) var server: RunningProgram?
    private(set) var clients: [Int: RunningProgram] = [:]
    private var launches = 0
    /// The port on which the server listens, whenever it runs.
    private let port = Ports.draw()
    /// Whether the plain arm runs, `fedavg`.
    var isPlain = false
    /// The encoding; runs can be compared to the bit only in the exact one.
    var encoding = "exact"
    var serverOptions: [String] = []
    /// A command that runs the server, such as nsenter with its options.
    var serverPrefix: [String] = []
    var clientOptions: [String] = []
    /// Commands that run a site, by site.
    var clientPrefixes: [Int: [String]] = [:]
    /// The state directory of a site, where not that of its name.
    var homes: [Int: String] = [:]
    /// The samples of the synthetic data set that a site takes its part of, where not 600.
    var samples: [Int: Int] = [:]

    /// Makes a federation with an authority of its own and invites the sites, or only a directory for them.
    init(sites: Int, rounds: Int = 2, isMade: Bool = true) async throws {
        self.sites = sites
        self.rounds = rounds
        directory = FileManager.default.temporaryDirectory
            .appendingPathComponent("summand-federation-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        guard isMade else { return }
        try await run("smpc-server", ["init", "--state", path("fed"), "--federation", "test"])
        try await invite()
    }

    /// Makes a token for every site.
    func invite() async throws {
        let names = (0..<sites).map { "site-\($0)" }
        try await run("smpc-server", ["invite"] + names + ["--state", path("fed"), "--out", path("tokens")])
    }

    /// Ends every process that is left and removes the directory.
    func tearDown() async {
        for client in clients.values { await client.kill() }
        await server?.kill()
        try? FileManager.default.removeItem(at: directory)
    }

    func path(_ name: String) -> String { directory.appendingPathComponent(name).path }

    func log(_ name: String) -> URL {
        launches += 1
        return directory.appendingPathComponent("\(name)-\(launches).log")
    }

    /// Runs a program to its end, which must be a good one.
    @discardableResult
    func run(_ program: String, _ arguments: [String]) async throws -> String {
        let running = try RunningProgram(program, arguments, log: log(program))
        let code = await running.end(within: .seconds(240))
        try #require(code == 0, "\(program) \(arguments.joined(separator: " ")): \(running.output)")
        return running.output
    }

    /// Runs a program to its end, whatever that is: its exit code, and what it printed.
    func answer(_ program: String, _ arguments: [String]) async throws -> (code: Int32?, output: String) {
        let running = try RunningProgram(program, arguments, log: log(program))
        let code = await running.end(within: .seconds(240))
        if code == nil { await running.kill() }
        return (code, running.output)
    }

    /// Starts the server and waits until it listens.
    func startServer() async throws {
        try launchServer()
        let isUp = await eventually(within: .seconds(60)) { FileManager.default.fileExists(atPath: path("port")) }
        try #require(isUp, "the server did not come up: \(server?.output ?? "")")
    }

    /// Starts the server.
    func launchServer() throws {
        try? FileManager.default.removeItem(atPath: path("port"))
        server = try RunningProgram(
            isPlain ? "fedavg" : "smpc-server",
            [
                isPlain ? "server" : "run", "--state", path("fed"), "--rounds", "\(rounds)", "--cohort", "\(sites)",
                "--cohort-wait", "60s",
                "--listen", "127.0.0.1:\(port)", "--discovery", "off", "--model", "softmax:32-10", "--seed", "1",
                "--metrics", path("metrics"), "--port-file", path("port"), "--verbose", "--encoding", encoding,
            ] + serverOptions, log: log("server"), prefix: serverPrefix)
    }

    /// Where the server listens.
    var address: String { "127.0.0.1:\(port)" }

    func join(_ site: Int) async throws {
        try await run(
            "smpc-client",
            [
                "join", "--state", path("site-\(site)"), "--token-file", path("tokens/site-\(site).token"), "--server",
                address,
            ])
    }

    func joinAll() async throws {
        for site in 0..<sites { try await join(site) }
    }

    func startClient(_ site: Int) throws {
        clients[site] = try RunningProgram(
            isPlain ? "fedavg" : "smpc-client",
            [
                isPlain ? "client" : "run", "--state", path(homes[site] ?? "site-\(site)"), "--server", address,
                "--discovery", "off", "--dataset", "synthetic:\(samples[site] ?? 600),32,10", "--part",
                "\(site)/\(sites)", "--verbose",
            ] + (isPlain ? [] : ["--listen", "127.0.0.1:0"]) + clientOptions, log: log("site-\(site)"),
            prefix: clientPrefixes[site] ?? [])
    }

    func startClients() throws {
        for site in 0..<sites { try startClient(site) }
    }

    func killServer() async { await server?.kill() }

    func killClient(_ site: Int) async { await clients[site]?.kill() }

    /// Stops a site where it is: its connections stay, and it does nothing.
    func stop(_ site: Int) { clients[site]?.send(SIGSTOP) }

    /// Lets a site that was stopped go on.
    func resume(_ site: Int) { clients[site]?.send(SIGCONT) }

    /// Who holds which place of the first epoch, such as `primary of slot 0`, as the sites print it; each slot has two.
    func places() async -> [String: Int] {
        var places: [String: Int] = [:]
        let slots = sites < 6 ? 2 : 3
        _ = await eventually(within: .seconds(120)) {
            for (site, client) in clients {
                let place = client.output.firstMatch(of: /this site is the ((primary|standby) of slot \d+)/)
                if let place { places[String(place.1)] = site }
            }
            return places.count == 2 * slots
        }
        return places
    }

    /// Waits until the server that was started last has applied so many rounds.
    func waitForRounds(_ count: Int) async throws {
        let isApplied = await eventually(within: .seconds(180)) {
            (server?.output ?? "").matches(of: /round \d+\/\d+  cohort/).count >= count
        }
        try #require(isApplied, "\(lastWords)")
    }

    /// Waits for the server's end and returns its exit code.
    func serverEnd(within limit: Duration = .seconds(400)) async -> Int32? { await server?.end(within: limit) }

    /// How often a site has recorded a fact of this kind.
    func siteFacts(_ site: Int, _ kind: String) -> Int {
        guard let store = try? MemberStore(path: path("site-\(site)/\(MemberStore.fileName)")) else { return 0 }
        defer { try? store.close() }
        return ((try? store.facts()) ?? []).filter { $0.kind == kind }.count
    }

    /// How often the server has recorded a fact of this kind.
    func serverFacts(_ kind: String) -> Int {
        guard let store = try? ServerStore(path: path("fed/\(ServerStore.fileName)")) else { return 0 }
        defer { try? store.close() }
        return ((try? store.facts()) ?? []).filter { $0.kind == kind }.count
    }

    /// The hashes of the parameters after each round, as the server's summary has them.
    func paramsHashes() throws -> [String] {
        let data = try Data(contentsOf: URL(fileURLWithPath: path("metrics/summary.json")))
        let summary = try JSONSerialization.jsonObject(with: data) as? [String: Any]
        return summary?["params_hashes"] as? [String] ?? []
    }

    /// The last lines of everybody, for a failure's message.
    var lastWords: String {
        (["server: \(tail(server))"] + clients.sorted { $0.key < $1.key }.map { "site-\($0.key): \(tail($0.value))" })
            .joined(separator: "\n")
    }

    private func tail(_ program: RunningProgram?) -> String {
        (program?.output ?? "").split(separator: "\n").suffix(6).joined(separator: " | ")
    }
}
