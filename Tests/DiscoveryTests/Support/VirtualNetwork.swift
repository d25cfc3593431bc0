// SPDX-License-Identifier: MIT

@testable import Discovery

/// Joins machines by a link without loss or delay, under virtual time; everybody hears everything, themselves included.
struct VirtualNetwork {
    static let loopback = NetworkLink(id: 1, name: "lo", isLoopback: true, addresses: [IPAddress(127, 0, 0, 1)])
    static let source = DatagramSource(address: IPAddress(127, 0, 0, 1), port: 5353)

    var machines: [DiscoveryMachine] = []
    private(set) var now = Duration.zero
    /// Every event, by machine.
    private(set) var events: [[DiscoveryEvent]] = []
    /// Every message, with its time and its sender.
    private(set) var sent: [(at: Duration, by: Int, message: DNSMessage)] = []
    /// Machines whose messages get lost and that hear nothing.
    var cut: Set<Int> = []

    /// Adds a machine and starts it; equal seeds draw equal names.
    @discardableResult
    mutating func add(_ advertisement: ServiceAdvertisement?, seed: UInt64) -> Int {
        var machine = DiscoveryMachine(advertising: advertisement, generator: SeededGenerator(seed: seed))
        machine.start(on: [Self.loopback], at: now)
        machines.append(machine)
        events.append([])
        return machines.count - 1
    }

    /// Lets `duration` pass, deadline by deadline.
    mutating func run(_ duration: Duration) {
        let end = now + duration
        while let next = machines.compactMap(\.deadline).min(), next <= end {
            now = max(now, next)
            for index in machines.indices { perform(machines[index].advance(to: now), by: index) }
        }
        now = end
    }

    mutating func stop(_ index: Int) { perform(machines[index].stop(), by: index) }

    /// Lets everybody hear a message of a stranger.
    mutating func inject(_ message: DNSMessage) { deliver(message) }

    func found(by index: Int) -> [DiscoveredService] {
        machines[index].browser.services.values.sorted { $0.instance < $1.instance }
    }

    func instance(of index: Int) -> String? { machines[index].responder?.service.instanceLabel }

    private mutating func perform(_ actions: [DiscoveryAction], by index: Int) {
        for action in actions {
            switch action {
            case .report(let event): events[index].append(event)
            case .reply: continue
            case .send(let message, _):
                guard !cut.contains(index) else { continue }
                sent.append((now, index, message))
                deliver(message)
            }
        }
    }

    private mutating func deliver(_ message: DNSMessage) {
        let packet = message.encoded()
        for index in machines.indices where !cut.contains(index) {
            perform(machines[index].receive(packet, on: 1, from: Self.source, at: now), by: index)
        }
    }
}

extension ServiceAdvertisement {
    /// An advertisement whose port tells it from others.
    static func example(_ number: Int = 1, role: ServiceRole = .party) throws -> ServiceAdvertisement {
        try ServiceAdvertisement(
            federation: "demo", role: role, id: "0123456789abcdef", port: UInt16(7000 + number))
    }
}
