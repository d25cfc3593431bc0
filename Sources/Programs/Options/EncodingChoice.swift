// SPDX-License-Identifier: MIT

/// The encoding that `--encoding` names (protocol section 8).
public struct EncodingChoice: Hashable, Sendable {
    /// Integers in units of 2^-40: nothing of an update is lost.
    public static let exact = EncodingChoice(bits: 63)
    /// The packed encodings that can be chosen.
    static let packed: [UInt8] = [7, 8, 9, 12, 16, 21, 32]

    /// b of the protocol, bits of a digit; 63 is exact.
    public let bits: UInt8

    /// Whether nothing of an update is lost.
    public var isExact: Bool { self == .exact }

    private init(bits: UInt8) { self.bits = bits }

    /// Takes what was written.
    ///
    /// - Throws: `ProgramError` of usage that lists what there is.
    init(named name: String) throws(ProgramError) {
        if name == "exact" {
            self = .exact
        } else if let bits = UInt8(name), Self.packed.contains(bits) {
            self.bits = bits
        } else {
            let list = Self.packed.map(String.init).joined(separator: ", ")
            throw ProgramError(
                .usage, "no encoding is named \"\(name)\"", subject: "--encoding", remedy: "use exact or one of \(list)"
            )
        }
    }
}
