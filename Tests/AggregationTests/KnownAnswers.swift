// SPDX-License-Identifier: MIT

import FiniteField
import Foundation
import Identity
import Messages
import Primitives
import Quantization

@testable import Aggregation

/// A value of a file in `Tests/Vectors`; what is not there is a failed test.
enum Known: Decodable {
    case list([Known])
    case nothing
    case number(Int)
    case object([String: Known])
    case text(String)

    struct Missing: Error {
        let what: String
    }

    static func load(_ name: String) throws -> Known {
        let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let data = try Data(contentsOf: tests.appending(path: "Vectors/\(name).json"))
        return try JSONDecoder().decode(Known.self, from: data)
    }

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .nothing
        } else if let number = try? value.decode(Int.self) {
            self = .number(number)
        } else if let truth = try? value.decode(Bool.self) {
            self = .number(truth ? 1 : 0)
        } else if let text = try? value.decode(String.self) {
            self = .text(text)
        } else if let list = try? value.decode([Known].self) {
            self = .list(list)
        } else if let members = try? value.decode([String: Known].self) {
            self = .object(members)
        } else {
            // A number that is no integer; no test here reads one.
            self = .nothing
        }
    }

    func get(_ key: String) throws -> Known {
        guard case .object(let members) = self, let member = members[key] else { throw Missing(what: key) }
        return member
    }

    func list() throws -> [Known] {
        guard case .list(let elements) = self else { throw Missing(what: "list") }
        return elements
    }

    func int() throws -> Int {
        guard case .number(let number) = self else { throw Missing(what: "number") }
        return number
    }

    func text() throws -> String {
        guard case .text(let text) = self else { throw Missing(what: "text") }
        return text
    }

    /// Bytes in hexadecimal.
    func bytes() throws -> [UInt8] {
        guard let bytes = Hexadecimal.decode(try text()) else { throw Missing(what: "hexadecimal") }
        return bytes
    }

    func digest() throws -> Digest {
        guard let digest = Digest(bytes: try bytes()) else { throw Missing(what: "32 bytes") }
        return digest
    }

    func party() throws -> PartyID {
        guard let party = PartyID(bytes: try bytes()) else { throw Missing(what: "16 bytes") }
        return party
    }

    func secret() throws -> SecretBytes { SecretBytes(try bytes()) }

    /// Field elements in decimal.
    func words() throws -> [UInt64] {
        try list().map { element in
            guard let word = UInt64(try element.text()) else { throw Missing(what: "element") }
            return word
        }
    }

    func vector() throws -> Field64Vector { try Field64Vector(canonical: words()) }

    /// A pair of elements: 1-part, then w-part.
    func pair() throws -> Field64Extension {
        let words = try words()
        guard words.count == 2 else { throw Missing(what: "pair") }
        return Field64Extension(one: words[0], w: words[1])
    }

    /// Float32 by their bits.
    func floats() throws -> [Float] {
        try list().map { element in
            guard let bits = UInt32(try element.text(), radix: 16) else { throw Missing(what: "Float32") }
            return Float(bitPattern: bits)
        }
    }

    /// A Float64 by its bits.
    func double() throws -> Double {
        guard let bits = UInt64(try text(), radix: 16) else { throw Missing(what: "Float64") }
        return Double(bitPattern: bits)
    }
}

/// A round file of `Tests/Vectors`, read into the types of this module.
struct KnownRound {
    let known: Known
    let epoch: Known
    let members: [PartyID]
    let checkKey: CheckKey
    let context: RoundContext
    let configuration: RunConfiguration
    let parameters: EncodingParameters

    init(_ name: String) throws {
        known = try Known.load(name)
        epoch = try known.get("epoch")
        members = try epoch.get("members").list().map { try $0.party() }
        checkKey = CheckKey(shares: try epoch.get("g by slot, primary then standby").list().map { try $0.secret() })
        configuration = try Self.configuration(known, members.count)
        let stated = try known.get("encoding")
        parameters = try EncodingParameters(
            kind: Self.kind(known) == .closing ? .closing : .training, bits: UInt8(stated.get("b").int()),
            digits: UInt8(stated.get("L").int()), exponents: stated.get("e").list().map { Int32(try $0.int()) },
            clip: stated.get("clip").double(), weightMax: stated.get("weightMax").double(),
            layout: known.get("layout").bytes())
        context = RoundContext(
            epochHash: try epoch.get("epochHash").digest(), round: UInt64(try known.get("round").int()),
            kind: try Self.kind(known), modelHash: try known.get("modelHash").digest(),
            paramsHash: try known.get("paramsHash").digest(), encodingHash: parameters.encodingHash,
            elements: parameters.vectorLayout.count,
            cohortMin: try known.get("cohortMin").int())
    }

    /// How the scale stands before the round.
    var scale: RoundScale {
        get throws {
            let isFirst = try ["firstRoundOfRun", "isRepetition"].contains { try (try? known.get($0))?.int() == 1 }
            return RoundScale(parameters.scale, isFirst: isFirst)
        }
    }

    /// The encoding as this module computes it.
    var encoding: RoundEncoding {
        get throws { try configuration.checkedEncoding(kind: context.kind, scale: try scale) }
    }

    /// How the sum of the round becomes the next model.
    var application: SumApplication {
        get throws {
            let chain = ModelChain(run: [], paramsHash: .zero, scale: try scale)
            return SumApplication(
                context, configuration, chain, members: members.count,
                cohort: try known.get("U").list().count)
        }
    }

    private static func kind(_ known: Known) throws -> RoundKind {
        guard let kind = RoundKind(rawValue: UInt8(try known.get("encoding").get("kind").int())) else {
            throw Known.Missing(what: "kind")
        }
        return kind
    }

    private static func configuration(_ known: Known, _ count: Int) throws -> RunConfiguration {
        let encoding = try known.get("encoding")
        let bits = try encoding.get("b").int()
        // Where a file does not say it: a first round has more bits than its run.
        let runBits = try (try? known.get("runBits"))?.int() ?? (bits == 32 ? 16 : bits)
        var configuration = RunConfiguration(
            run: [UInt8](repeating: 0, count: 16), bits: UInt8(runBits),
            clip: try encoding.get("clip").double(), weightMax: try encoding.get("weightMax").double(),
            uniformWeights: false, layout: try known.get("layout").bytes(), model: "known", initial: .seed(.zero),
            seed: 0, rounds: 100, roundsPerEpoch: 100,
            gammaPercent: try known.get("epoch").get("gammaPercent").int(),
            cohortMin: try known.get("cohortMin").int(),
            training: .init(optimizer: "sgd", learningRate: 0.1, momentum: 0, batchSize: 1, localEpochs: 1))
        if let least = try? known.get("eMin").int(), let largest = try? known.get("eMax").int() {
            configuration.exponents = Int32(least)...Int32(largest)
        }
        return configuration
    }

    /// CK of a member's mask for a slot, advanced to the round.
    func slotKey(member: Int, slot: Int) throws -> SlotKey {
        let seed = try epoch.get("seeds by member, slot").list()[member].list()[slot].secret()
        var key = SlotKey(
            seed: seed, epochHash: context.epochHash, participant: members[member], slot: slot,
            firstRound: UInt64(try epoch.get("firstRound").int()))
        key.advance(to: context.round)
        return key
    }
}
