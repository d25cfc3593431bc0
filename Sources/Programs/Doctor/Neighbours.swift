// SPDX-License-Identifier: MIT

public import Discovery
public import Identity
public import Logging

/// Looks by multicast for who of a federation is near.
public struct Neighbours: Sendable {
    /// How long is looked at the most: a process that runs answers within two seconds.
    public static let limit = Duration.seconds(4)
    private static let tick = Duration.milliseconds(50)

    /// What was announced, by instance name.
    public let services: [DiscoveredService]
    /// Until all who were wanted had been found, or the limit.
    public let took: Duration

    /// Takes what was found in another way.
    public init(services: [DiscoveredService] = [], took: Duration = .zero) {
        self.services = services
        self.took = took
    }

    /// Asks, and waits until the coordinator and the parties wanted are found, at the most for `limit` or `wait`.
    ///
    /// Announces nothing. Throws `DiscoveryError`.
    public static func find(
        of federation: FederationName, on interfaces: InterfaceOption, parties: Set<PartyID> = [],
        atMost wait: Duration = limit,
        logger: Logger
    ) async throws -> Neighbours {
        let browser = DiscoveryService(advertising: nil, interfaces: interfaces.selection, logger: logger)
        try await browser.start()
        let began = ContinuousClock.now
        var services: [DiscoveredService] = []
        let wanted = Set(parties.map(\.hex))
        repeat {
            // The findings of a service are polled, because its events belong to its owner.
            guard (try? await Task.sleep(for: tick)) != nil else { break }
            services = await browser.services(matching: DiscoveryFilter(federation: federation.text))
        } while .now - began < min(limit, wait) && !isComplete(services, wanted)
        await browser.stop()
        return Neighbours(services: services, took: .now - began)
    }

    private static func isComplete(_ services: [DiscoveredService], _ wanted: Set<String>) -> Bool {
        services.contains { $0.role == .coordinator && $0.version == FederationArm.secure.version }
            && wanted.isSubset(of: services.filter { $0.role == .party }.map(\.id))
    }

    /// Where a role is announced, the addresses of one service in its own order.
    public func addresses(of role: ServiceRole, id: PartyID? = nil) -> [HostPort] {
        let filter = DiscoveryFilter(role: role, id: id?.hex, version: FederationArm.secure.version)
        return services.filter(filter.accepts).flatMap { service in
            service.addresses.map { HostPort(host: $0, port: service.port) }
        }
    }

    /// The parties that are announced.
    public var parties: Set<PartyID> {
        Set(services.filter { $0.role == .party }.compactMap { PartyID(hex: $0.id) })
    }
}
