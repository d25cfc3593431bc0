// SPDX-License-Identifier: MIT

import FoundationEssentials
import TOMLKit

/// Holds the settings of one TOML file, with the line of each.
public struct TOMLFile: Equatable, Sendable {
    /// The path it was read from.
    public let path: String
    /// The values by key as text, as they would stand on a command line; keys of tables are joined by dots.
    let values: [String: String]
    /// The line of each key, from 1.
    let lines: [String: Int]
    private let text: String

    /// Reads a file and checks its keys; nil if there is no such file.
    ///
    /// - Throws: `ProgramError` with `usage`, naming the line, if it is not TOML or has a key that is not known.
    public static func read(_ path: String, known: some Collection<String>) throws(ProgramError) -> TOMLFile? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw ProgramError(.failed, "cannot be read", subject: path, remedy: "check its permissions")
        }
        return try TOMLFile(String(decoding: data, as: UTF8.self), path: path, known: known)
    }

    /// Reads a text as if it stood in a file at `path`.
    init(_ text: String, path: String, known: some Collection<String>) throws(ProgramError) {
        self.path = path
        self.text = text
        let table: TOMLTable
        do {
            table = try TOMLTable(string: text)
        } catch let error as TOMLParseError {
            throw ProgramError(
                .usage, "not valid TOML: \(error.description)", subject: "\(path):\(error.source.begin.line)")
        } catch {
            throw ProgramError(.usage, "not valid TOML: \(error)", subject: path)
        }
        let positions = Self.lines(in: text)
        lines = positions
        var found: [String: String] = [:]
        for (key, value) in Self.flatten(table) {
            let place = positions[key].map { "\(path):\($0)" } ?? path
            guard known.contains(key) else {
                let meant = Suggestion.nearest(to: key, among: known).map { "did you mean \"\($0)\"?" }
                let table = key.split(separator: ".").dropLast().joined(separator: ".")
                throw ProgramError(
                    .usage, "unknown key \"\(key)\"", subject: place,
                    remedy: meant
                        ?? (table.isEmpty
                            ? "known are \(known.sorted().joined(separator: ", "))"
                            : "keys stand in no table: leave [\(table)] out"))
            }
            guard let value else {
                throw ProgramError(.usage, "\"\(key)\" cannot hold a value of this type", subject: place)
            }
            found[key] = value
        }
        values = found
    }

    /// Decodes the whole file as one value, such as a site's policy.
    ///
    /// - Parameter expected: completes "expected …" for each key.
    /// - Throws: `ProgramError` with `usage`, naming the line and key at fault.
    public func decode<Value: Decodable>(
        _ type: Value.Type, expected: [String: String] = [:]
    ) throws(ProgramError) -> Value {
        do {
            return try TOMLDecoder().decode(type, from: text)
        } catch let error as DecodingError {
            throw explained(error, expected)
        } catch {
            throw ProgramError(.usage, "\(error)", subject: path)
        }
    }

    /// Names the file and the line of a key, as far as known.
    public func place(of key: String?) -> String {
        key.flatMap { lines[$0] }.map { "\(path):\($0)" } ?? path
    }

    /// Compares path and content.
    public static func == (a: TOMLFile, b: TOMLFile) -> Bool {
        a.path == b.path && a.text == b.text
    }

    /// Lists all values in key order; nil stands for a type that no setting has.
    private static func flatten(_ table: TOMLTable, prefix: String = "") -> [(key: String, value: String?)] {
        table.keys.sorted().flatMap { name -> [(key: String, value: String?)] in
            let key = prefix + name
            guard let value = table[name] else { return [] }
            if let inner = value.table { return flatten(inner, prefix: key + ".") }
            return [(key, text(of: value))]
        }
    }

    private static func text(of value: any TOMLValueConvertible) -> String? {
        if let string = value.string { return string }
        if let int = value.int { return String(int) }
        if let double = value.double { return String(double) }
        if let bool = value.bool { return String(bool) }
        guard let array = value.array else { return nil }
        let items = array.map { text(of: $0) }
        return items.contains(nil) ? nil : items.compactMap { $0 }.joined(separator: ",")
    }

    /// Finds the line on which each bare or quoted key is set; what it misses only costs an error its line.
    private static func lines(in text: String) -> [String: Int] {
        var found: [String: Int] = [:]
        var prefix = ""
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let line = String(line).trimmingSpaces()
            if line.hasPrefix("["), let end = line.firstIndex(of: "]") {
                prefix = String(line[line.index(after: line.startIndex)..<end]) + "."
            } else if !line.hasPrefix("#"), let equals = line.firstIndex(of: "=") {
                let key = prefix + String(line[..<equals]).trimmingSpaces().filter { $0 != "\"" && $0 != "'" }
                if found[key] == nil { found[key] = index + 1 }
            }
        }
        return found
    }

    /// Says which key is at fault.
    ///
    /// TOMLKit reports a value of the wrong type as a missing key, and a missing key at a path that ends in it.
    private func explained(_ error: DecodingError, _ expected: [String: String]) -> ProgramError {
        let (path, problem): ([any CodingKey], String) =
            switch error {
            case .keyNotFound(let key, let context):
                (context.codingPath.filter { $0.stringValue != key.stringValue } + [key], "is missing")
            case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
                (context.codingPath, "is not valid: \(context.debugDescription)")
            @unknown default: ([], "\(error)")
            }
        let key = path.map(\.stringValue).joined(separator: ".")
        if let value = values[key] {
            return ProgramError(
                .usage, "\"\(key)\" cannot hold \"\(value)\"", subject: place(of: key),
                remedy: expected[key].map { "expected \($0)" })
        }
        return ProgramError(.usage, key.isEmpty ? problem : "key \"\(key)\" \(problem)", subject: place(of: key))
    }
}
