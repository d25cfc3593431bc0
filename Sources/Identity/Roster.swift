// SPDX-License-Identifier: MIT

public import Primitives

/// What all members of an epoch can compare by telephone (protocol section 3).
public enum Roster {
    /// Writes the first 60 bits of `H("roster", sorted SPKI hashes)` in RFC 4648 base32 as `XXXX-XXXX-XXXX`.
    ///
    /// The order of `spkiHashes` does not matter.
    public static func fingerprint(spkiHashes: [Digest]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
        let hash = LabeledBytes("roster").fixed(spkiHashes.sorted()).hash
        let bits = hash.bytes.prefix(8).reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
        let letters = (0..<12).map { alphabet[Int(bits >> (59 - UInt64($0) * 5) & 31)] }
        return [letters[..<4], letters[4..<8], letters[8...]].map { String($0) }.joined(separator: "-")
    }
}
