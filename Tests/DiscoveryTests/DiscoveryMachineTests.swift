// SPDX-License-Identifier: MIT

import Testing

@testable import Discovery

/// Whole machines on a virtual link.
struct DiscoveryMachineTests {
    @Test(arguments: [1, 2, 3] as [UInt64])
    func twentyFindEachOtherWithinTwoSeconds(seed: UInt64) throws {
        var network = VirtualNetwork()
        for number in 0..<20 { network.add(try .example(number), seed: seed * 1000 + UInt64(number)) }
        network.run(.seconds(2))
        for index in 0..<20 {
            #expect(
                Set(network.found(by: index).map(\.port))
                    == Set((0..<20).filter { $0 != index }.map { UInt16(7000 + $0) }))
        }
        let early = network.sent.count
        network.run(.seconds(58))
        #expect(network.sent.count - early < 20 * 12, "the network grows quiet")
    }

    @Test func latecomerFindsWhoIsThere() throws {
        var network = VirtualNetwork()
        network.add(try .example(1), seed: 1)
        network.run(.seconds(100))
        let late = network.add(nil, seed: 2)
        network.run(.milliseconds(500))
        #expect(network.found(by: late).map(\.port) == [7001])
        #expect(network.events[late].count == 1)
    }

    @Test func theSameNameTwiceBecomesTwoNames() throws {
        var network = VirtualNetwork()
        // Equal seeds and identifiers: both draw the same names and probe in the same instant.
        network.add(try .example(1), seed: 5)
        network.add(try .example(2), seed: 5)
        let drawn = try #require(network.instance(of: 0))
        #expect(network.instance(of: 1) == drawn)
        network.run(.seconds(5))
        #expect(network.instance(of: 0) == drawn + " (2)")
        #expect(network.instance(of: 1) == drawn, "the greater claim wins")
        #expect(network.found(by: 0).map(\.port) == [7002])
        #expect(network.found(by: 1).map(\.port) == [7001])
    }

    @Test func nameOfARunningServiceIsNotTakenOver() throws {
        var network = VirtualNetwork()
        network.add(try .example(1), seed: 5)
        network.run(.seconds(5))
        let first = try #require(network.instance(of: 0))
        network.add(try .example(2), seed: 5)
        network.run(.seconds(5))
        #expect(network.instance(of: 0) == first)
        #expect(network.instance(of: 1) == first + " (2)")
    }

    @Test func stoppedServiceIsLostWithinTwoSeconds() throws {
        var network = VirtualNetwork()
        network.add(try .example(1), seed: 1)
        network.add(try .example(2), seed: 2)
        network.run(.seconds(5))
        let name = try #require(network.instance(of: 0))
        network.stop(0)
        network.run(.seconds(2))
        #expect(network.events[1].last == .lost(instance: name))
        #expect(network.found(by: 1).isEmpty)
    }

    @Test func silentServiceIsLostWhenItsRecordsEndAndFoundAgain() throws {
        var network = VirtualNetwork()
        network.add(try .example(1), seed: 1)
        network.add(nil, seed: 2)
        network.run(.seconds(5))
        network.cut = [0]
        network.run(.seconds(130))
        #expect(network.found(by: 1).isEmpty)
        network.cut = []
        network.run(.seconds(300))
        #expect(network.found(by: 1).count == 1)
    }

    @Test func servicesStayFoundForHours() throws {
        var network = VirtualNetwork()
        network.add(try .example(1), seed: 1)
        network.add(try .example(2), seed: 2)
        network.run(.seconds(4 * 3600))
        #expect(network.events.map(\.count) == [1, 1])
        // Two records of 120 s and two of 4500 s for each, refreshed by one question and one answer.
        #expect(network.sent.count < 1500)
    }

    @Test func replacedSocketIsMadeUpFor() throws {
        var machine = DiscoveryMachine(advertising: try .example(), generator: SeededGenerator(seed: 1))
        machine.start(on: [VirtualNetwork.loopback], at: .zero)
        while let next = machine.deadline, next < .seconds(10) { _ = machine.advance(to: next) }
        let question = DNSMessage(questions: [DNSQuestion(name: ServiceNames.type, type: .ptr)])
        #expect(machine.reopened(1, at: .seconds(10)) == [.send(question, link: 1)])
        let probe = machine.advance(to: .seconds(10))
        #expect(probe.count == 1)
        if case .send(let message, 1) = probe.first { #expect(message.authorities.count == 3) }
    }

    @Test func strangersAreCounted() throws {
        var machine = DiscoveryMachine(advertising: nil, generator: SeededGenerator(seed: 1))
        machine.start(on: [VirtualNetwork.loopback], at: .zero)
        let source = VirtualNetwork.source
        #expect(machine.receive([1, 2, 3], on: 1, from: source, at: .zero) == [])
        #expect(machine.counters.malformed == 1)
        let elsewhere = DatagramSource(address: source.address, port: 4000)
        #expect(machine.receive(Packets.announcement, on: 1, from: elsewhere, at: .zero) == [])
        #expect(machine.counters.foreignPort == 1)
        #expect(machine.receive(Packets.announcement, on: 1, from: source, at: .zero) == [])
        #expect(machine.counters.unusable == 1, "the identifier of the example is too short")
    }

    /// Damaged packets about real instances, under running time: nothing traps, the real ones stay found.
    @Test func damagedPacketsDoNoLastingHarm() throws {
        var network = VirtualNetwork()
        network.add(try .example(1), seed: 1)
        network.add(try .example(2), seed: 2)
        network.run(.seconds(5))
        let originals = network.sent.map { $0.message.encoded() } + [Packets.announcement, Packets.probe]
        var generator = SeededGenerator(seed: 9)
        for _ in 0..<5_000 {
            guard let message = try? DNSMessage(decoding: generator.damage(originals)) else { continue }
            network.inject(message)
            network.run(.milliseconds(20))
        }
        network.run(.seconds(200))
        #expect(network.found(by: 0).contains { $0.port == 7002 })
        #expect(network.found(by: 1).contains { $0.port == 7001 })
    }

    @Test func advertisementNamesTheFieldThatIsWrong() {
        func refusal(_ federation: String, _ id: String, _ port: UInt16, _ version: String) -> AdvertisementError? {
            do throws(AdvertisementError) {
                _ = try ServiceAdvertisement(
                    federation: federation, role: .party, id: id, port: port, version: version)
                return nil
            } catch {
                return error
            }
        }
        #expect(refusal("demo", "DEADBEEF", 1, "1") == nil)
        #expect(refusal("", "deadbeef", 1, "1") == .federation(""))
        #expect(refusal("dé", "deadbeef", 1, "1") == .federation("dé"))
        #expect(refusal("demo", "deadbee", 1, "1") == .id("deadbee"))
        #expect(refusal("demo", "deadbeeg", 1, "1") == .id("deadbeeg"))
        #expect(refusal("demo", "deadbeef", 0, "1") == .port)
        #expect(refusal("demo", "deadbeef", 1, "1 2") == .version("1 2"))
    }

    @Test func filterDemandsEveryClaimItHas() throws {
        let service = DiscoveredService(
            instance: "a", federation: "demo", role: .party, id: "deadbeef", version: "1", host: "box.local",
            addresses: ["127.0.0.1"], port: 1)
        #expect(DiscoveryFilter().accepts(service))
        #expect(DiscoveryFilter(federation: "demo", role: .party, id: "deadbeef", version: "1").accepts(service))
        #expect(!DiscoveryFilter(federation: "other").accepts(service))
        #expect(!DiscoveryFilter(role: .coordinator).accepts(service))
        #expect(!DiscoveryFilter(id: "deadbeee").accepts(service))
        #expect(!DiscoveryFilter(version: "2").accepts(service))
    }
}
