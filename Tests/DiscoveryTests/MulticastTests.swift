// SPDX-License-Identifier: MIT

import NIOCore
import NIOPosix
import Testing

@testable import Discovery

extension LoopbackTests {
    @Suite(.timeLimit(.minutes(5)))
    struct MulticastTests {
        init() async throws {
            let works = await MulticastProbe.works(on: .loopback)
            try #require(works, "multicast is not usable on the loopback interface of this network namespace")
        }

        private func party(_ number: Int, of federation: String) throws -> DiscoveryService {
            let id = UInt32(number).hexadecimal
            let advertisement = try ServiceAdvertisement(
                federation: federation, role: number == 0 ? .coordinator : .party, id: id, port: UInt16(7000 + number))
            return DiscoveryService(advertising: advertisement, interfaces: .loopback)
        }

        @Test func twentyServicesFindEachOtherAndLoseTheOneThatStops() async throws {
            let federation = freshFederation()
            let filter = DiscoveryFilter(federation: federation)
            let services = try (0..<20).map { try party($0, of: federation) }
            let clock = ContinuousClock()
            let start = clock.now
            for service in services { try await service.start() }
            for service in services {
                let complete = try await holds(within: .seconds(30)) {
                    await service.services(matching: filter).count == 19
                }
                let count = await service.services(matching: filter).count
                #expect(complete, "one service sees \(count) of 19 others")
            }
            // A bound on a hang, not a figure: the machine may be busy.
            #expect(clock.now - start < .seconds(60))

            let coordinators = await services[1].services(
                matching: DiscoveryFilter(federation: federation, role: .coordinator))
            let coordinator = try #require(coordinators.first)
            #expect(coordinators.count == 1)
            #expect(coordinator.id == "00000000")
            #expect(coordinator.port == 7000)
            #expect(coordinator.addresses == ["127.0.0.1"])
            #expect(coordinator.version == "1")
            let announced = await services[0].instance
            #expect(coordinator.instance == announced)

            await services[0].stop()
            for service in services.dropFirst() {
                let gone = try await holds(within: .seconds(5)) { await service.services(matching: filter).count == 18 }
                #expect(gone)
            }
            for service in services { await service.stop() }
        }

        @Test func eventsTellOfOneLifeAndEndWithStop() async throws {
            let federation = freshFederation()
            let browser = DiscoveryService(advertising: nil, interfaces: .loopback)
            let announcer = try party(7, of: federation)
            try await browser.start()
            try await announcer.start()
            var instance: String?
            for await event in browser.events {
                if case .found(let service) = event, service.federation == federation {
                    instance = service.instance
                    await announcer.stop()
                } else if case .lost(let lost) = event, lost == instance {
                    await browser.stop()
                }
            }
            #expect(instance != nil)
        }

        @Test func probeIsFalseWithoutAnInterface() async {
            let works = await MulticastProbe.works(on: .named(["no-such-interface"]))
            #expect(!works)
        }

        @Test func unknownInterfaceIsNamed() async {
            let service = DiscoveryService(advertising: nil, interfaces: .named(["no-such-interface"]))
            await #expect(throws: DiscoveryError.unknownInterface("no-such-interface")) { try await service.start() }
        }

        @Test func secondStartIsRefused() async throws {
            let service = DiscoveryService(advertising: nil, interfaces: .loopback)
            try await service.start()
            await #expect(throws: DiscoveryError.alreadyStarted) { try await service.start() }
            await service.stop()
        }

        @Test func portHeldByAnotherProgramIsNamed() async throws {
            let group = MultiThreadedEventLoopGroup.singleton
            let holder = try await DatagramBootstrap(group: group).bind(host: "0.0.0.0", port: 0).get()
            let port = UInt16(try #require(holder.localAddress?.port))
            let loopback = try #require(try NetworkLink.selected(.loopback).first)
            await #expect(throws: DiscoveryError.portHeld(interface: loopback.name)) {
                _ = try await MulticastSocket.open(
                    on: loopback, port: port, eventLoop: group.next(), receive: { _, _ in })
            }
            try await holder.close()
            #expect("\(DiscoveryError.portHeld(interface: "lo"))".contains("disallow-other-stacks=no"))
        }

        /// A stranger's datagrams arrive with the real ones: they are counted, and the services still find each other.
        @Test func strangersDatagramsAreCountedAndDoNoHarm() async throws {
            let federation = freshFederation()
            let filter = DiscoveryFilter(federation: federation)
            let services = try [party(1, of: federation), party(2, of: federation)]
            for service in services { try await service.start() }
            var generator = SeededGenerator(seed: 4)
            let loopback = try #require(try NetworkLink.selected(.loopback).first)
            let stranger = try await MulticastSocket.open(
                on: loopback, eventLoop: MultiThreadedEventLoopGroup.singleton.next(), receive: { _, _ in })
            for _ in 0..<2_000 {
                let packet = generator.damage([Packets.browse, Packets.announcement, Packets.probe])
                let envelope = AddressedEnvelope(
                    remoteAddress: MulticastSocket.destination(on: loopback.id), data: ByteBuffer(bytes: packet))
                try await stranger.writeAndFlush(envelope)
            }
            try await stranger.close()
            for service in services {
                let found = try await holds(within: .seconds(10)) {
                    await service.services(matching: filter).count == 1
                }
                #expect(found)
                let malformed = await service.counters.malformed
                #expect(malformed > 0)
            }
            // Only now: one that stops before the other has found it would never be found.
            for service in services { await service.stop() }
        }
    }
}
