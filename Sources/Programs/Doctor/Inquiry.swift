// SPDX-License-Identifier: MIT

import FoundationEssentials
public import Identity
import TLS
public import Transport

/// Dials somebody by `smpc-inquiry/1`, which is a real connection with both sides authenticated and takes part in nothing.
public struct Inquiry: Sendable {
    /// How long one address may take.
    public static let timeout = Duration.seconds(5)
    /// The pings of which the fastest is told.
    static let pings = 3
    /// The most dials at one time.
    public static let dialsMax = 16
    /// The most addresses of one party that are tried.
    public static let addressesMax = 8

    /// What came of a connection that stood.
    public struct Reached: Sendable {
        /// Where it led.
        public let address: HostPort
        /// What lies between.
        public let path: Connection.Path
        /// The fastest of some pings.
        public let roundTrip: Duration
        /// What the other side sent, if that was waited for.
        public let answer: [UInt8]?
        /// When it came, Unix milliseconds.
        public let answeredAt: Int64
        /// From the beginning of the dial until it came.
        public let window: Duration
    }

    private let identity: PartyIdentity
    private let proxy: HTTPProxy?

    /// Prepares to dial as a party, through the proxy if there is one.
    public init(as identity: PartyIdentity, proxy: HTTPProxy? = nil) {
        self.identity = identity
        self.proxy = proxy
    }

    /// Dials one address.
    ///
    /// - Parameter wantsAnswer: whether to wait for a message of the other side.
    public func dial(
        _ address: HostPort, expecting: PeerExpectation, wantsAnswer: Bool = false
    ) async -> Result<Reached, ConnectionError> {
        let began = ContinuousClock.now
        return await over(address, expecting: expecting) { try await ask($0, address, since: began, wantsAnswer) }
    }

    /// Dials one address, and gives what the body learns over that connection, which is closed then.
    ///
    /// - Parameter limit: how long the body may take.
    public func over<Learned: Sendable>(
        _ address: HostPort, expecting: PeerExpectation, atMost limit: Duration = timeout,
        _ body: (Connection) async throws -> Learned
    ) async -> Result<Learned, ConnectionError> {
        do {
            let connection = try await Transport.dial(
                host: address.host, port: Int(address.port), identity: identity.tlsIdentity, alpn: .inquiry,
                expecting: expecting, proxy: proxy, timeout: Self.timeout)
            return .success(try await Self.using(connection, atMost: limit, body))
        } catch {
            return .failure(error as? ConnectionError ?? .closedBeforeWelcome)
        }
    }

    /// Reaches somebody through a relay; returns the fastest of some pings.
    ///
    /// - Throws: `ConnectionError`.
    public func ping(through relay: RelayEnd, expecting: PeerExpectation) async throws -> Duration {
        let connection = try await Transport.dial(
            through: relay, identity: identity.tlsIdentity, alpn: .inquiry, expecting: expecting, timeout: Self.timeout)
        return try await Self.using(connection, atMost: Self.timeout) { try await Self.roundTrip(of: $0) }
    }

    /// Closes a connection after the body, or when that has taken too long.
    private static func using<Learned>(
        _ connection: Connection, atMost limit: Duration, _ body: (Connection) async throws -> Learned
    ) async throws -> Learned {
        let watchdog = connection.closeUnlessCancelled(after: limit)
        defer { watchdog.cancel() }
        do {
            let learned = try await body(connection)
            await connection.close()
            return learned
        } catch {
            await connection.close()
            throw error
        }
    }

    private static func roundTrip(of connection: Connection) async throws -> Duration {
        var fastest = try await connection.ping()
        for _ in 1..<pings { fastest = min(fastest, try await connection.ping()) }
        return fastest
    }

    private func ask(
        _ connection: Connection, _ address: HostPort, since began: ContinuousClock.Instant, _ wantsAnswer: Bool
    ) async throws -> Reached {
        var (answer, answeredAt): ([UInt8]?, Int64) = (nil, 0)
        if wantsAnswer {
            guard case .message(let bytes)? = try await connection.events.makeAsyncIterator().next() else {
                throw connection.end ?? ConnectionError.closedBeforeWelcome
            }
            (answer, answeredAt) = (bytes, Self.nowMilliseconds())
        }
        let window = ContinuousClock.now - began
        let fastest = try await Self.roundTrip(of: connection)
        return Reached(
            address: address, path: connection.path, roundTrip: fastest, answer: answer, answeredAt: answeredAt,
            window: window)
    }

    /// Dials several addresses at once, and gives what was reached first; otherwise why each failed.
    ///
    /// - Parameter limit: how many of the addresses, from the first on.
    public func dialFirst(
        _ addresses: [HostPort], atMost limit: Int = addressesMax, expecting: PeerExpectation, wantsAnswer: Bool = false
    ) async -> (reached: Reached?, failures: [(address: HostPort, error: ConnectionError)]) {
        let tried = Array(addresses.prefix(limit))
        return await withTaskGroup(of: (Int, Result<Reached, ConnectionError>).self) { group in
            var rest = tried.enumerated().makeIterator()
            func begin() {
                guard let (index, address) = rest.next() else { return }
                group.addTask { (index, await dial(address, expecting: expecting, wantsAnswer: wantsAnswer)) }
            }
            for _ in 0..<Self.dialsMax { begin() }
            var failures: [(index: Int, error: ConnectionError)] = []
            for await (index, result) in group {
                switch result {
                case .success(let reached):
                    group.cancelAll()
                    return (reached, [])
                case .failure(let error): failures.append((index, error))
                }
                begin()
            }
            return (nil, failures.sorted { $0.index < $1.index }.map { (tried[$0.index], $0.error) })
        }
    }

    /// Maps values at the same time, so many of them, keeping their order.
    public static func all<Value: Sendable, Mapped: Sendable>(
        _ values: [Value], atMost limit: Int = dialsMax, _ map: @escaping @Sendable (Value) async -> Mapped
    ) async -> [Mapped] {
        await withTaskGroup(of: (Int, Mapped).self) { group in
            var next = 0
            func begin() {
                guard next < values.count else { return }
                let (index, value) = (next, values[next])
                group.addTask { (index, await map(value)) }
                next += 1
            }
            for _ in 0..<limit { begin() }
            var mapped: [(Int, Mapped)] = []
            for await result in group {
                mapped.append(result)
                begin()
            }
            return mapped.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    /// The clock, Unix milliseconds.
    public static func nowMilliseconds() -> Int64 { Int64(Date.now.timeIntervalSince1970 * 1000) }
}

extension ConnectionError {
    /// Says what a failed dial is to do about.
    ///
    /// - Parameter whom: `the coordinator` or `the site`.
    public func remedy(reaching whom: String) -> String {
        switch self {
        case .refused(.certificateRevoked):
            "ask the operator: a site that is revoked has to be invited and to join anew"
        case .closed(.unwelcome):
            "ask the operator: the server has no such member, perhaps because its database is an older copy"
        case .refused(.certificateExpired), .certificateRejected(.expired), .certificateRejected(.notYetValid):
            "compare the clocks of both machines with the certificates' dates"
        case .refused(.noApplicationProtocol), .noApplicationProtocol:
            "bring \(whom)'s program up to date, if it is not another program such as fedavg"
        case .certificateRejected:
            "somebody else answers there: correct the address, or look at who announces it"
        case .refused: "see that both are in the same federation, and have the operator look at the server's log"
        case .proxy(.authenticationFailed): "correct the name and password in --proxy-credentials FILE"
        case .proxy(.refused): "have the administrator of the proxy allow CONNECT to that address and port"
        case .proxy: "correct --proxy, or have its administrator look"
        case .unresolvable: "correct the name, or the DNS of this machine"
        case .timedOut: "see to the firewalls on the way: packets are dropped"
        default: "start \(whom), or correct its address, or see to the firewalls on the way"
        }
    }
}
