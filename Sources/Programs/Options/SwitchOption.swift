// SPDX-License-Identifier: MIT

import ArgumentParser
import Glibc

/// Reads `on` or `off`; configuration files and the environment may also say true or false.
public enum SwitchOption: String, Sendable, CaseIterable {
    /// The feature is used.
    case on
    /// The feature is not used.
    case off

    /// Says whether the feature is used.
    public var isOn: Bool { self == .on }
}

extension SwitchOption: ExpectedArgument {
    /// Says what is accepted.
    public static let expectation = "on or off"

    /// Reads `on`, `true`, `off` or `false`; nil otherwise.
    public init?(argument: String) {
        switch argument {
        case "on", "true": self = .on
        case "off", "false": self = .off
        default: return nil
        }
    }
}

/// Chooses the network interfaces that multicast uses: `lo`, `all`, or names joined by commas.
public enum InterfaceOption: Equatable, Sendable {
    /// Every interface, loopback included.
    case all
    /// The loopback interface only.
    case loopback
    /// These interfaces only.
    case named([String])
}

extension InterfaceOption: ExpectedArgument {
    /// Says what is accepted.
    public static let expectation = "lo, all, or names of interfaces joined by commas"

    /// Reads a choice; nil if a name is empty or longer than 15 bytes, the kernel's limit.
    public init?(argument: String) {
        switch argument {
        case "all": self = .all
        case "lo": self = .loopback
        default:
            let names = argument.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            guard names.allSatisfy({ (1...15).contains($0.utf8.count) && !$0.contains(where: \.isWhitespace) }) else {
                return nil
            }
            self = .named(names)
        }
    }

    /// Gives the text that reads back as the same choice.
    public var defaultValueDescription: String { description }

    /// Refuses a name that no interface of this host has.
    ///
    /// - Throws: `ProgramError` with `usage`.
    func requireThere() throws(ProgramError) {
        guard case .named(let names) = self else { return }
        for name in names where if_nametoindex(name) == 0 {
            throw ProgramError(
                .usage, "no network interface is named \"\(name)\"", subject: "--interface",
                remedy: "use lo, all, or a name that `ip link` shows")
        }
    }
}

extension InterfaceOption: CustomStringConvertible {
    /// Writes the choice as on the command line.
    public var description: String {
        switch self {
        case .all: "all"
        case .loopback: "lo"
        case .named(let names): names.joined(separator: ",")
        }
    }
}
