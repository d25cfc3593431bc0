// SPDX-License-Identifier: MIT

import ArgumentParser
import Configuration
import FoundationEssentials

/// Decides each setting by its layers: the option, then the environment, then `config.toml`, then the default.
public struct Settings: Sendable {
    private let reader: ConfigReader
    private let environment: [String: String]
    private let file: TOMLFile?

    /// Reads the layers below the command line; a missing file is an empty one.
    ///
    /// - Throws: `ProgramError` with `usage` if a key of the file or a variable `SUMMAND_…` is not known.
    public init(
        file path: String? = nil, environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(ProgramError) {
        let known = SettingKey.allCases.map(\.rawValue)
        try self.init(
            read: path == nil ? nil : try TOMLFile.read(path ?? "", known: known), environment: environment)
    }

    /// Combines a file that has been read and an environment.
    init(read file: TOMLFile?, environment: [String: String]) throws(ProgramError) {
        try Self.checkVariables(environment)
        self.file = file
        self.environment = environment
        let variables = EnvironmentVariablesProvider(environmentVariables: environment).prefixKeys(with: "summand")
        reader = ConfigReader(providers: [variables] + (file.map { [TOMLProvider(file: $0)] } ?? []))
    }

    /// Decides a setting that has a default.
    public func value<Value: ExpressibleByArgument>(
        _ option: Value?, _ key: SettingKey, default fallback: Value
    ) throws(ProgramError) -> Value {
        try optional(option, key) ?? fallback
    }

    /// Decides a setting that may be absent.
    public func optional<Value: ExpressibleByArgument>(
        _ option: Value?, _ key: SettingKey
    ) throws(ProgramError) -> Value? {
        if let option { return option }
        guard let text = reader.string(forKey: ConfigKey([key.rawValue])) else { return nil }
        guard let value = Value(argument: text) else {
            throw ProgramError(
                .usage, "\"\(text)\" is not valid, expected \(expectation(of: Value.self))", subject: origin(of: key))
        }
        return value
    }

    /// Decides a setting that must be given somewhere.
    public func required<Value: ExpressibleByArgument>(
        _ option: Value?, _ key: SettingKey
    ) throws(ProgramError) -> Value {
        if let value = try optional(option, key) { return value }
        let place = file.map { ", or \(key.rawValue) in \($0.path)" } ?? ""
        throw ProgramError(.usage, "\(key.option) is required", remedy: "give it, or set \(key.variable)\(place)")
    }

    /// Names the layer that holds a key.
    private func origin(of key: SettingKey) -> String {
        if environment[key.variable] != nil { return key.variable }
        return "\(file?.place(of: key.rawValue) ?? "configuration"): \(key.rawValue)"
    }

    private static func checkVariables(_ environment: [String: String]) throws(ProgramError) {
        let known = SettingKey.allCases.map(\.variable)
        let unknown = environment.keys.filter { $0.hasPrefix(SettingKey.variablePrefix) && !known.contains($0) }
        guard let name = unknown.min() else { return }
        // What all names share would make far ones look near.
        let word = String(name.dropFirst(SettingKey.variablePrefix.count))
        let meant = Suggestion.nearest(to: word, among: SettingKey.allCases.map { $0.rawValue.uppercased() })
        throw ProgramError(
            .usage, "no setting has this name", subject: "environment variable \(name)",
            remedy: meant.map { "did you mean \(SettingKey.variablePrefix)\($0)?" } ?? "unset it")
    }
}
