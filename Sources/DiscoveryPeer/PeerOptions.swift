// SPDX-License-Identifier: MIT

import Discovery

/// Holds what the command line of a ``DiscoveryPeer`` says: pairs of an option and its value.
struct PeerOptions {
    /// Says which option is wrong.
    enum Mistake: Error { case option(String) }

    var federation = "demo"
    var role = ServiceRole.party
    var id: String?
    var port: UInt16 = 7443
    var listening = "0.0.0.0"
    var interfaces = InterfaceSelection.all
    /// Decides which names are drawn; nil for the system's randomness.
    var seed: UInt64?

    init(_ arguments: some Collection<String>) throws {
        var rest = Array(arguments)
        while rest.count >= 2 {
            let (option, value) = (rest[0], rest[1])
            rest.removeFirst(2)
            switch option {
            case "--federation": federation = value
            case "--role": role = try Self.parse(option) { ServiceRole(rawValue: value) }
            case "--id": id = value
            case "--port": port = try Self.parse(option) { UInt16(value) }
            case "--listening": listening = value
            case "--interfaces": interfaces = .named(value.split(separator: ",").map(String.init))
            case "--seed": seed = try Self.parse(option) { UInt64(value) }
            default: throw Mistake.option(option)
            }
        }
        if let lonely = rest.first { throw Mistake.option(lonely) }
    }

    var generator: any RandomNumberGenerator & Sendable {
        seed.map(Sequence.init(state:)) ?? SystemRandomNumberGenerator()
    }

    func advertisement() throws -> ServiceAdvertisement? {
        guard let id else { return nil }
        return try ServiceAdvertisement(
            federation: federation, role: role, id: id, port: port, listening: listening)
    }

    private static func parse<Value>(_ option: String, _ value: () -> Value?) throws -> Value {
        guard let value = value() else { throw Mistake.option(option) }
        return value
    }

    /// Draws numbers that depend on a seed alone (SplitMix64).
    private struct Sequence: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var word = state
            word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
            word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
            return word ^ (word >> 31)
        }
    }
}
