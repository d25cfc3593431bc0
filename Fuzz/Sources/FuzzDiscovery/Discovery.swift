// SPDX-License-Identifier: MIT

import FuzzSupport

@testable import Discovery

/// Draws numbers that are always the same (SplitMix64), so that an input has one outcome.
private struct Sequence: RandomNumberGenerator {
    var state: UInt64 = 1

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}

private let address = IPAddress(192, 0, 2, 7)
private let link = NetworkLink(
    id: LinkID(interface: 2, family: .ipv4), name: "eth0", isLoopback: false, addresses: [address],
    networks: [IPNetwork(address: address, prefixBits: 24)])

/// A machine that announces, after so many seconds: probing, announcing, running.
private func machine(after seconds: Double) -> DiscoveryMachine? {
    guard
        let advertisement = try? ServiceAdvertisement(
            federation: "demo", role: .party, id: "0123456789abcdef", port: 7001)
    else { return nil }
    var machine = DiscoveryMachine(advertising: advertisement, generator: Sequence())
    machine.start(on: [link], at: .zero)
    while let next = machine.deadline, next <= .seconds(seconds) { _ = machine.advance(to: next) }
    return machine
}

private let moments = [0.4, 1.2, 10]
private let machines = moments.map { machine(after: $0) }

/// Datagrams of anybody on the network, heard by a process in one of three moments, which then finds nobody at the addresses that
/// it was told, and followed by five seconds: all that is sent can be read, time goes on, and what is kept has its bounds.
///
/// Of the first byte a third chooses the moment, and the rest whether the datagrams, each behind two bytes of length, come from
/// the port of multicast DNS.
func fuzzDiscovery(_ input: FuzzInput) {
    guard let (choice, rest) = input.choice(of: moments.count * 2), var machine = machines[choice % moments.count]
    else { return }
    let source = DatagramSource(
        address: IPAddress(192, 0, 2, 9), port: choice < moments.count ? DiscoveryMachine.port : 4000)
    let began = Duration.seconds(moments[choice % moments.count])
    var now = began
    var left = rest[...]
    while left.count > 2 {
        let length = Int(left.removeFirst()) << 8 | Int(left.removeFirst())
        check(machine.receive(Array(left.prefix(length)), on: link.id, from: source, at: now))
        left = left.dropFirst(length)
        now += .milliseconds(300)
    }
    for service in machine.browser.services.values {
        for address in service.addresses { machine.reconfirm(address, port: service.port, at: now) }
    }
    var steps = 0
    while let next = machine.deadline, next <= began + .seconds(5) {
        now = max(now, next)
        check(machine.advance(to: now))
        steps += 1
        demand(steps < 10_000, "time stands still")
    }
    demand(machine.browser.recordCount <= RecordCache.recordsMax, "too many records")
    check(machine.stop())
}

private func check(_ actions: [DiscoveryAction]) {
    for action in actions {
        switch action {
        case .report: continue
        case .reply(let message, _, _), .send(let message, _):
            let bytes = message.encoded()
            demand(bytes.count <= DNSMessage.bytesMax, "too long to be read")
            demand((try? DNSMessage(decoding: bytes)) == message, "what is sent cannot be read")
        }
    }
}
