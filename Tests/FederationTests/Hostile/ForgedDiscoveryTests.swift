// SPDX-License-Identifier: MIT

import Discovery
import Foundation
import Identity
import Logging
import NIOCore
import NIOPosix
import Programs
import Testing
import Transport

@testable import SMPCServer

/// Multicast proves nothing: a site finds its coordinator beside false records, and never takes another for it.
///
/// Needs multicast on the loopback interface, as the tests of discovery do.
@Suite(.serialized, .timeLimit(.minutes(10))) struct ForgedDiscoveryTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func advertise(_ identity: PartyIdentity, port: Int, as federation: String) async throws -> DiscoveryService
    {
        let service = DiscoveryService(
            advertising: try ServiceAdvertisement(
                federation: federation, role: .coordinator, id: identity.id.hex, port: UInt16(port)),
            interfaces: .loopback, logger: logger)
        try await service.start()
        return service
    }

    private func locator(_ federation: FederationName, wait: Duration) throws -> CoordinatorLocator {
        var options = try NetworkOptions.parse([])
        (options.interface, options.wait) = (.loopback, DurationOption(wait))
        let network = try options.resolved(Settings(environment: [:]))
        return CoordinatorLocator(federation: federation, network: network, logger: logger)
    }

    @Test func theTrueCoordinatorIsFoundBesideAFalseOne() async throws {
        let server = try TestServer()
        let serving = try server.start()
        let port = try await server.port()
        let coordinator = try server.state.identity()
        let site = try await server.join(server.invite("site"), key: .generate(), port: port)
        // Another federation of the same name, and one that claims the very identity of the true coordinator.
        let elsewhere = try TestServer()
        let other = try elsewhere.state.identity()
        let listener = try await Listener.bind(host: "127.0.0.1", port: 0, identity: other.tlsIdentity)
        let federation = coordinator.federation
        let forged = try await advertise(other, port: listener.port, as: federation.text)
        let claimed = try await advertise(coordinator, port: listener.port, as: federation.text)
        await #expect(throws: ProgramError.self) {
            try await locator(federation, wait: .seconds(2)).connect(as: site)
        }
        let announced = try await advertise(coordinator, port: port, as: federation.text)
        let noise = Task { try await flood() }
        let connection = try await locator(federation, wait: .seconds(20)).connect(as: site)
        #expect(connection.peer?.publicKey == coordinator.key.publicKey)
        #expect(connection.remoteAddress == "127.0.0.1:\(port)")
        await connection.close()
        noise.cancel()
        _ = await noise.result
        for service in [forged, claimed, announced] { await service.stop() }
        await listener.close()
        serving.cancel()
        _ = await serving.result
    }

    /// Sends a hundred random datagrams a second to the group, half of them with the header of a response.
    private func flood() async throws {
        var generator = SeededNumbers(7)
        let channel = try await DatagramBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        let group = try SocketAddress(ipAddress: "224.0.0.251", port: 5353)
        while !Task.isCancelled {
            for _ in 0..<5 {
                var bytes = (0..<Int.random(in: 0...400, using: &generator)).map { _ in
                    UInt8.random(in: 0...255, using: &generator)
                }
                if Bool.random(using: &generator) { bytes = [0, 0, 0x84, 0, 0, 0, 0, 3, 0, 0, 0, 0] + bytes }
                let envelope = AddressedEnvelope(remoteAddress: group, data: ByteBuffer(bytes: bytes))
                try? await channel.writeAndFlush(envelope)
            }
            // Other tests use the same group at this time; the tests of discovery have the floods.
            try? await Task.sleep(for: .milliseconds(50))
        }
        try await channel.close()
    }
}
