// SPDX-License-Identifier: MIT

public import Discovery
public import Identity
public import Logging

/// Announces a server by multicast; where that does not work, says so, and the run goes on without.
///
/// - Returns: the announcement, to be stopped at the end; nil if there is none.
public func announce(
    _ identity: PartyIdentity, arm: FederationArm, port: Int, network: ListenOptions.Resolved, progress: Progress,
    logger: Logger
) async -> DiscoveryService? {
    guard network.discovery else { return nil }
    do {
        let advertisement = try ServiceAdvertisement(
            federation: identity.federation.text, role: .coordinator, id: identity.id.hex, port: UInt16(port),
            version: arm.version, listening: network.listen.host)
        let service = DiscoveryService(
            advertising: advertisement, interfaces: network.interfaces.selection, logger: logger)
        try await service.start()
        return service
    } catch {
        progress.warning("not announced by multicast (\(error)); clients need --server")
        return nil
    }
}
