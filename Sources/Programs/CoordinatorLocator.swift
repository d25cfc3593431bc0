// SPDX-License-Identifier: MIT

import Discovery
import Identity
import Logging
import Primitives
import TLS
import Transport

/// Says which of the two services of a coordinator is sought or announced.
public enum FederationArm: Sendable, CaseIterable {
    /// Plain federated averaging.
    case plain
    /// The secure federation.
    case secure

    /// What multicast announces under the TXT key `v`, so that the clients of one arm pass over the server of the other.
    public var version: String {
        switch self {
        case .plain: "fedavg-1"
        case .secure: "1"
        }
    }

    /// What to call its server.
    var server: String {
        switch self {
        case .plain: "plain server (fedavg)"
        case .secure: "coordinator"
        }
    }

    /// What is spoken on its connections.
    public var applicationProtocol: ApplicationProtocol {
        switch self {
        case .plain: .averaging
        case .secure: .federation
        }
    }
}

/// Finds the coordinator of a federation and connects to it: at the address given with `--server`, or at those that
/// multicast and the invitation suggest. Behind a proxy multicast is not asked: what it finds is on this side of it.
///
/// What is found proves nothing: every address is dialled with the expectation of the coordinator's certificate, and
/// one that answers otherwise is only a wrong address.
public struct CoordinatorLocator: Sendable {
    /// The federation whose coordinator is sought.
    public let federation: FederationName
    private let arm: FederationArm
    private let network: NetworkOptions.Resolved
    private let hints: [HostPort]
    private let discovery: DiscoveryService?
    private let logger: Logger

    /// The most dials at one time.
    static let dialsMax = 8
    /// The time for one dial, so that a silent address does not hold a place for long.
    static let dialTimeout = Duration.seconds(5)
    /// How often multicast's findings are looked at.
    private static let tick = Duration.milliseconds(50)

    /// Prepares to look for a coordinator.
    ///
    /// - Parameters:
    ///   - arm: the service that `connect` reaches; enrolment is served by both.
    ///   - hints: addresses to try besides, such as those of an invitation; not used with `--server`.
    ///   - discovery: a service that is running already; without one the locator runs its own while it looks.
    public init(
        federation: FederationName, arm: FederationArm = .secure, network: NetworkOptions.Resolved,
        hints: [HostPort] = [], discovery: DiscoveryService? = nil, logger: Logger
    ) {
        self.federation = federation
        self.arm = arm
        self.network = network
        self.hints = hints
        self.discovery = discovery
        self.logger = logger
    }

    /// Connects to the coordinator as a party, which its certificate must confirm.
    ///
    /// - Parameter pin: the SHA-256 of the coordinator's key, if it is on record.
    /// - Throws: `ProgramError`: `unreachable` after the wait of `--wait`, `failed` if somebody answered there who is
    ///   not the coordinator, or who refuses this party.
    public func connect(as identity: CurrentIdentity, pin: Digest? = nil, meter: ByteMeter? = nil) async throws
        -> Connection
    {
        let expected = PeerExpectation.coordinator(federation: federation, spkiHash: pin)
        return try await reach(version: arm.version) {
            [alpn = arm.applicationProtocol, proxy = network.proxy] address, timeout in
            try await dial(
                host: address.host, port: Int(address.port), identity: identity.tls, alpn: alpn, expecting: expected,
                proxy: proxy, meter: meter, timeout: timeout)
        } abandon: {
            await $0.close()
        }
    }

    /// Connects as a party whose certificate does not change meanwhile.
    public func connect(as identity: PartyIdentity, pin: Digest? = nil, meter: ByteMeter? = nil) async throws
        -> Connection
    {
        try await connect(as: CurrentIdentity(identity), pin: pin, meter: meter)
    }

    /// Connects to the coordinator to enrol: nothing is known of it but its authority's fingerprint.
    ///
    /// - Throws: as `connect(as:pin:meter:)`.
    public func connectToEnrol(with token: InvitationToken, meter: ByteMeter? = nil) async throws -> Connection {
        let expected = PeerExpectation.enrolment(
            federation: federation, authorityFingerprint: token.authorityFingerprint)
        return try await reach { [proxy = network.proxy] address, timeout in
            try await dial(
                host: address.host, port: Int(address.port), identity: nil, expecting: expected, proxy: proxy,
                meter: meter, timeout: timeout)
        } abandon: {
            await $0.close()
        }
    }

    /// Tries all addresses, again and again and several at a time, until one attempt succeeds.
    ///
    /// - Parameters:
    ///   - version: what the coordinator must announce by multicast; nil for anything.
    ///   - attempt: a `ConnectionError` means that this address is tried again later; any other error ends the search.
    ///   - abandon: disposes of what a second attempt achieved at the same time.
    func reach<Achieved: Sendable>(
        version: String? = nil, _ attempt: @escaping @Sendable (HostPort, Duration) async throws -> Achieved,
        abandon: @escaping @Sendable (Achieved) async -> Void
    ) async throws -> Achieved {
        guard network.server == nil, network.discovery, network.proxy == nil, discovery == nil else {
            return try await search(discovery, version, attempt, abandon)
        }
        let browser = DiscoveryService(
            advertising: nil, interfaces: network.interfaces.selection, logger: logger)
        do {
            try await browser.start()
        } catch {
            guard hints.isEmpty else { return try await search(nil, version, attempt, abandon) }
            throw error
        }
        do {
            let achieved = try await search(browser, version, attempt, abandon)
            await browser.stop()
            return achieved
        } catch {
            await browser.stop()
            throw error
        }
    }

    private enum Outcome<Achieved: Sendable>: Sendable {
        case achieved(Achieved)
        case failed(HostPort, any Error)
        case tick
    }

    private func search<Achieved: Sendable>(
        _ discovery: DiscoveryService?, _ version: String?,
        _ attempt: @escaping @Sendable (HostPort, Duration) async throws -> Achieved,
        _ abandon: @escaping @Sendable (Achieved) async -> Void
    ) async throws -> Achieved {
        let clock = ContinuousClock()
        let began = clock.now
        var schedule = CandidateSchedule()
        var failures: [HostPort: ConnectionError] = [:]
        for address in network.server.map({ [$0] }) ?? hints {
            schedule.add(address, at: .zero, isKnown: true)
        }
        return try await withThrowingTaskGroup(of: Outcome<Achieved>.self) { group in
            var dials = 0
            // Findings are polled because the events of the service belong to its owner.
            group.addTask { try await Self.pause() }
            while let outcome = try await group.next() {
                let now = clock.now - began
                switch outcome {
                case .achieved(let achieved):
                    group.cancelAll()
                    while let other = try? await group.next() {
                        if case .achieved(let surplus) = other { await abandon(surplus) }
                    }
                    return achieved
                case .failed(let address, let error as ConnectionError):
                    dials -= 1
                    logger.debug("address refused", metadata: ["address": "\(address)", "reason": "\(error)"])
                    // Bytes that were damaged on the way can look like a refusal; one that comes again is meant.
                    let isMeant = error.isFinal && failures[address] == error
                    failures[address] = error
                    schedule.failed(address, at: now)
                    if error.saysNobodyAnswered { await discovery?.noteUnanswered(address.host, port: address.port) }
                    if network.server != nil, isMeant { throw givingUp(after: failures, schedule.addresses) }
                case .failed(_, let error):
                    throw error
                case .tick:
                    guard now < network.wait else { throw givingUp(after: failures, schedule.addresses) }
                    for address in await found(discovery, version) { schedule.add(address, at: now) }
                    group.addTask { try await Self.pause() }
                }
                while dials < Self.dialsMax, let address = schedule.next(at: now) {
                    dials += 1
                    let timeout = min(Self.dialTimeout, max(network.wait - now, .seconds(1)))
                    group.addTask {
                        do {
                            return .achieved(try await attempt(address, timeout))
                        } catch {
                            return .failed(address, error)
                        }
                    }
                }
            }
            throw CancellationError()
        }
    }

    private static func pause<Achieved>() async throws -> Outcome<Achieved> {
        try await Task.sleep(for: tick)
        return .tick
    }

    /// Lists what multicast has found so far, the addresses of one service in its own order.
    private func found(_ discovery: DiscoveryService?, _ version: String?) async -> [HostPort] {
        guard network.server == nil, network.proxy == nil, let discovery else { return [] }
        let filter = DiscoveryFilter(federation: federation.text, role: .coordinator, version: version)
        return await discovery.services(matching: filter).flatMap { service in
            service.addresses.map { HostPort(host: $0, port: service.port) }
        }
    }

    /// Says why the coordinator was not reached: the failure that tells most, or that nobody was found.
    private func givingUp(after failures: [HostPort: ConnectionError], _ addresses: [HostPort]) -> ProgramError {
        let tried = addresses.compactMap { address in failures[address].map { (address, $0) } }
        let details = tried.map { "\($0): \($1)" }
        if let (address, error) = tried.first(where: { $1.isFinal }) {
            if case .proxy = error {
                return ProgramError(
                    .failed, "\(error)", subject: "\(address)",
                    remedy: "give the name and the password with --proxy-credentials FILE", details: details)
            }
            return ProgramError(
                .failed, "\(error)", subject: "\(address)",
                remedy: error.concernsTime
                    ? "compare the clocks of both machines with the certificates' dates"
                    : "check that this is the \(arm.server) of \(federation) and that it has not revoked this site",
                details: details)
        }
        let seconds = DurationOption(network.wait)
        if let server = network.server {
            return ProgramError(
                .unreachable, "not reached within \(seconds): \(tried.first.map { "\($1)" } ?? "no answer")",
                subject: "\(server)", remedy: "start the server, or correct --server", details: details)
        }
        guard let (address, error) = tried.first else {
            guard network.proxy == nil else {
                return ProgramError(
                    .unreachable, "behind a proxy the coordinator's address is needed",
                    subject: "federation \(federation)",
                    remedy: "give it with --server host:port")
            }
            return ProgramError(
                .unreachable, "no coordinator found by multicast within \(seconds)",
                subject: "federation \(federation)",
                remedy: "start the server, or give its address with --server host:port", details: details)
        }
        return ProgramError(
            .unreachable, "coordinator not reached within \(seconds): \(address): \(error)",
            subject: "federation \(federation)",
            remedy: "start the server, or give its address with --server host:port",
            details: details)
    }
}

extension ConnectionError {
    /// Says that somebody answered, and that the answer would be the same another time.
    var isFinal: Bool {
        switch self {
        case .certificateRejected, .noApplicationProtocol: true
        case .refused(let alert): alert.concernsTheSender
        case .proxy(.authenticationFailed): true
        default: false
        }
    }
}

extension ConnectionError {
    /// Says that a certificate was judged by its dates.
    fileprivate var concernsTime: Bool {
        switch self {
        case .certificateRejected(.expired), .certificateRejected(.notYetValid), .refused(.certificateExpired): true
        default: false
        }
    }
}

extension InterfaceOption {
    /// Names the interfaces for `DiscoveryService`.
    public var selection: InterfaceSelection {
        switch self {
        case .all: .all
        case .loopback: .loopback
        case .named(let names): .named(names)
        }
    }
}
