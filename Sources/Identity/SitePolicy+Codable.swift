// SPDX-License-Identifier: MIT

import Primitives

extension SitePolicy: Codable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case newMembers = "new_members"
        case minMembers = "min_members"
        case cohortFloor = "cohort_floor"
        case gammaMin = "gamma_min"
        case gammaMax = "gamma_max"
        case slots
        case pinnedSlots = "pinned_slots"
        case encodings
        case initialParameters = "initial_parameters"
        case roundsPerDay = "rounds_per_day"
        case epochsPerDay = "epochs_per_day"
    }

    /// Any key of a file, so that unknown ones are seen.
    private struct AnyKey: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// Reads the lines that are there and leaves the defaults for the others; an unknown line is an error.
    public init(from decoder: any Decoder) throws {
        let known = CodingKeys.allCases.map(\.rawValue)
        for key in try decoder.container(keyedBy: AnyKey.self).allKeys where !known.contains(key.stringValue) {
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: decoder.codingPath + [key],
                    debugDescription: "unknown key; the keys are \(known.joined(separator: ", "))"))
        }
        let container = try decoder.container(keyedBy: CodingKeys.self)
        newMembers = try container.decodeIfPresent(NewMembers.self, forKey: .newMembers) ?? .ask
        minMembers = try Self.count(in: container, .minMembers)
        cohortFloor = try Self.count(in: container, .cohortFloor)
        gammaMin = try Self.percent(in: container, .gammaMin)
        gammaMax = try Self.percent(in: container, .gammaMax)
        slots = try Self.slotModes(in: container)
        pinnedSlots = try Self.pinnedSlots(in: container)
        encodings = try Self.encodings(in: container)
        initialParameters = try Self.hash(in: container)
        roundsPerDay = try Self.count(in: container, .roundsPerDay)
        epochsPerDay = try Self.count(in: container, .epochsPerDay)
    }

    /// Writes the lines that are set.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(newMembers, forKey: .newMembers)
        try container.encodeIfPresent(minMembers, forKey: .minMembers)
        try container.encodeIfPresent(cohortFloor, forKey: .cohortFloor)
        try container.encodeIfPresent(gammaMin, forKey: .gammaMin)
        try container.encodeIfPresent(gammaMax, forKey: .gammaMax)
        try container.encodeIfPresent(slots, forKey: .slots)
        try container.encodeIfPresent(
            pinnedSlots?.map { [$0.primary.hex, $0.standby.hex] }, forKey: .pinnedSlots)
        try container.encodeIfPresent(encodings, forKey: .encodings)
        try container.encodeIfPresent(initialParameters?.hex, forKey: .initialParameters)
        try container.encodeIfPresent(roundsPerDay, forKey: .roundsPerDay)
        try container.encodeIfPresent(epochsPerDay, forKey: .epochsPerDay)
    }

    private static func count(
        in container: KeyedDecodingContainer<CodingKeys>, _ key: CodingKeys
    ) throws -> Int? {
        let count = try container.decodeIfPresent(Int.self, forKey: key)
        guard count.map({ $0 >= 0 }) ?? true else {
            throw DecodingError.dataCorruptedError(forKey: key, in: container, debugDescription: "must not be negative")
        }
        return count
    }

    private static func percent(
        in container: KeyedDecodingContainer<CodingKeys>, _ key: CodingKeys
    ) throws -> Int? {
        let percent = try container.decodeIfPresent(Int.self, forKey: key)
        guard percent.map({ (0...50).contains($0) }) ?? true else {
            throw DecodingError.dataCorruptedError(
                forKey: key, in: container, debugDescription: "must be a whole percentage from 0 to 50")
        }
        return percent
    }

    private static func encodings(in container: KeyedDecodingContainer<CodingKeys>) throws -> [String]? {
        guard let names = try container.decodeIfPresent([String].self, forKey: .encodings) else { return nil }
        let known = [7, 8, 9, 12, 16, 21, 32, 63].map(encodingName)
        guard let unknown = names.first(where: { !known.contains($0) }) else { return names }
        throw DecodingError.dataCorruptedError(
            forKey: .encodings, in: container,
            debugDescription: "no encoding is called \(unknown); there are \(known.joined(separator: ", "))")
    }

    private static func slotModes(in container: KeyedDecodingContainer<CodingKeys>) throws -> [String]? {
        guard let names = try container.decodeIfPresent([String].self, forKey: .slots) else { return nil }
        guard let unknown = names.first(where: { !slotModes.contains($0) }) else { return names }
        throw DecodingError.dataCorruptedError(
            forKey: .slots, in: container,
            debugDescription: "no slot mode is called \(unknown); there are \(slotModes.joined(separator: ", "))")
    }

    private static func pinnedSlots(in container: KeyedDecodingContainer<CodingKeys>) throws -> [PinnedSlot]? {
        guard let pairs = try container.decodeIfPresent([[String]].self, forKey: .pinnedSlots) else { return nil }
        let slots = pairs.compactMap { pair -> PinnedSlot? in
            let parties = pair.compactMap { Hexadecimal.decode($0).flatMap { PartyID(bytes: $0) } }
            return pair.count == 2 && parties.count == 2 ? PinnedSlot(primary: parties[0], standby: parties[1]) : nil
        }
        let holders = Set(slots.flatMap { [$0.primary, $0.standby] })
        guard slots.count == pairs.count, holders.count == 2 * slots.count else {
            throw DecodingError.dataCorruptedError(
                forKey: .pinnedSlots, in: container,
                debugDescription: "must be pairs of member IDs, primary and standby, each of 32 hexadecimal digits and "
                    + "each once")
        }
        return slots
    }

    private static func hash(in container: KeyedDecodingContainer<CodingKeys>) throws -> Digest? {
        guard let text = try container.decodeIfPresent(String.self, forKey: .initialParameters) else { return nil }
        guard let hash = Hexadecimal.decode(text).flatMap({ Digest(bytes: $0) }) else {
            throw DecodingError.dataCorruptedError(
                forKey: .initialParameters, in: container, debugDescription: "not 64 hexadecimal digits")
        }
        return hash
    }
}
