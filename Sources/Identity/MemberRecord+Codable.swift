// SPDX-License-Identifier: MIT

import Foundation

extension MemberRecord: Codable {
    private enum CodingKeys: String, CodingKey {
        case established, members, renewals
    }

    /// Reads a record; members beyond `membersMax`, and two lines for one key, are errors.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let members = try container.decode([RecordedMember].self, forKey: .members)
        guard members.count <= Self.membersMax, Set(members.map(\.id)).count == members.count else {
            throw DecodingError.dataCorruptedError(
                forKey: .members, in: container, debugDescription: "too many members, or one twice")
        }
        let isEstablished = try container.decodeIfPresent(Bool.self, forKey: .established) ?? true
        self = isEstablished || !members.isEmpty ? MemberRecord(members: members) : MemberRecord()
        renewals = max(0, try container.decodeIfPresent(Int.self, forKey: .renewals) ?? 0)
    }

    /// Writes the members in the order of their IDs.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(isEstablished, forKey: .established)
        try container.encode(sorted, forKey: .members)
        if renewals > 0 { try container.encode(renewals, forKey: .renewals) }
    }

    /// Reads a record from a JSON file. Errors name the file.
    public static func load(path: String) throws(IdentityError) -> MemberRecord {
        let bytes = try PrivateFile.read(path)
        do {
            return try JSONDecoder().decode(MemberRecord.self, from: Data(bytes))
        } catch {
            throw .fileMalformed(path: path, reason: JSONFault.text(error))
        }
    }

    /// Writes the record as a JSON file, atomically.
    public func save(path: String) throws(IdentityError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        let data: Data
        do {
            data = try encoder.encode(self)
        } catch {
            throw .fileUnwritable(path: path, reason: "\(error)")
        }
        try PrivateFile.write(Array(data) + [0x0a], to: path)
    }
}

/// Says in one line what is wrong with a JSON text, and where.
enum JSONFault {
    static func text(_ error: any Error) -> String {
        guard let error = error as? DecodingError else { return "\(error)" }
        switch error {
        case .dataCorrupted(let context), .typeMismatch(_, let context), .valueNotFound(_, let context):
            return place(context.codingPath) + context.debugDescription
        case .keyNotFound(let key, let context):
            return place(context.codingPath) + "\(key.stringValue) is missing"
        @unknown default:
            return "\(error)"
        }
    }

    private static func place(_ path: [any CodingKey]) -> String {
        path.isEmpty ? "" : path.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".") + ": "
    }
}
