// SPDX-License-Identifier: MIT

public import ArgumentParser
import Identity
public import Primitives

/// Takes the passphrase of the authority's key from a file, never from the command line or the environment, where other users
/// of a host could see it.
public struct PassphraseOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The file whose first line is the passphrase of the authority's key. (default: none)", valueName: "file"),
        completion: .file())
    var caPassphraseFile: String?

    /// Makes options that name no file.
    public init() {}

    /// Whether the option was given.
    public var namesFile: Bool { caPassphraseFile != nil }

    /// Reads the passphrase; nil without the option.
    public func passphrase() throws(ProgramError) -> SecretBytes? {
        guard let caPassphraseFile else { return nil }
        return try Self.read(caPassphraseFile, option: "--ca-passphrase-file")
    }

    /// Reads the first line of a file as a passphrase.
    ///
    /// - Throws: `ProgramError` with `usage` for a file that cannot be read, and for a line that is empty or too long.
    public static func read(_ path: String, option: String) throws(ProgramError) -> SecretBytes {
        var text: [UInt8]
        do {
            text = try PrivateFile.read(path)
        } catch {
            throw ProgramError(.usage, "\(error)", remedy: "correct \(option)")
        }
        defer { SecretBytes.wipe(&text) }
        var line = Array(text.prefix { $0 != UInt8(ascii: "\n") })
        if line.last == UInt8(ascii: "\r") {
            line[line.count - 1] = 0
            line.removeLast()
        }
        guard (1...SigningKey.passphraseBytesMax).contains(line.count) else {
            SecretBytes.wipe(&line)
            throw ProgramError(
                .usage, "its first line is no passphrase: it has 1 to \(SigningKey.passphraseBytesMax) bytes",
                subject: path,
                remedy: "correct \(option)")
        }
        return SecretBytes(line)
    }
}
