// SPDX-License-Identifier: MIT

/// What the protocol bounds, so that nothing a remote party sends grows without limit.
public enum Limits {
    /// Members of an epoch (protocol section 3: every member is a witness up to here).
    public static let membersMax = 1000
    /// Members of an epoch in mode `all`: the bundle of their EpochReady, n statements of n hashes each, has to fit into
    /// one control message.
    public static let membersMaxInAll = 150
    /// The fewest members of an epoch.
    public static let membersMin = 3
    /// The fewest members of an epoch whose slots have standbys: two pairs.
    public static let membersMinWithStandbys = 4
    /// Draws of slots that a member takes part in within 24 hours, and in the life of its member record (protocol section
    /// 4, step E2); those whose epoch applied a Result do not count.
    public static let drawsPerDay = 32
    public static let drawsPerRecord = 1024
    /// Field elements of one vector: 2 GiB on the wire.
    public static let elementsMax = 1 << 28
    /// Transform blocks of a model, each with its exponent.
    public static let transformBlocksMax = elementsMax >> 16 + 16
    /// Addresses that one party may announce.
    public static let addressesMax = 16
    /// Bytes of one address, `host:port`.
    public static let addressBytesMax = 260
    /// Bytes of a member's name.
    public static let nameBytesMax = 64
    /// Bytes of an encoded model layout.
    public static let layoutBytesMax = 1 << 16
    /// Bytes of a sentence for people.
    public static let sentenceBytesMax = 1024
    /// Rounds of one run, and of one epoch.
    public static let roundsMax: UInt64 = 1 << 32
    /// Bytes of one encoded control message.
    public static let frameBytesMax = 1 << 20
}
