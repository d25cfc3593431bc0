// SPDX-License-Identifier: MIT

public import Primitives

/// The authorities that a party accepts: one, or two while the second takes the first one's place (RFC 4210, section 4.4).
///
/// Then each has certified the other's key. Whoever knows only the old one comes to the new one by a certificate between them,
/// and the other way round: that is what a party demands before it accepts an authority that it does not know.
public struct Authorities: Sendable, Equatable {
    /// What ties two authorities to each other.
    public struct Succession: Sendable, Equatable {
        /// The new authority's key, certified by the old one (NewWithOld).
        public let newWithOld: Certificate
        /// The old authority.
        public let previous: Certificate
        /// The old authority's key, certified by the new one (OldWithNew).
        public let oldWithNew: Certificate
    }

    /// The one that issues now.
    public let current: Certificate
    /// What ties the one before it to it; nil when there is one only.
    public let succession: Succession?

    /// The most certificates of a list.
    public static let countMax = 4

    /// Accepts one authority.
    public init(_ current: Certificate) {
        self.current = current
        succession = nil
    }

    /// Reads the list of one or of four certificates: the new one, NewWithOld, the old one, OldWithNew.
    ///
    /// Throws `authoritiesUnrelated` unless the four are of two authorities with one name and one URI that certify each other.
    public init(list: [Certificate]) throws(IdentityError) {
        guard list.count != 1 else {
            current = list[0]
            succession = nil
            return
        }
        guard list.count == Self.countMax else { throw .authoritiesUnrelated }
        let (current, newWithOld, previous, oldWithNew) = (list[0], list[1], list[2], list[3])
        guard let key = current.publicKey, let previousKey = previous.publicKey, key != previousKey,
            newWithOld.publicKey == key, oldWithNew.publicKey == previousKey, newWithOld.isSigned(by: previous),
            oldWithNew.isSigned(by: current),
            list.allSatisfy({ $0.isAuthority && $0.uris == current.uris && $0.uris.count == 1 })
        else { throw .authoritiesUnrelated }
        self.current = current
        succession = Succession(newWithOld: newWithOld, previous: previous, oldWithNew: oldWithNew)
    }

    /// All certificates, as `init(list:)` takes them.
    public var list: [Certificate] {
        [current] + (succession.map { [$0.newWithOld, $0.previous, $0.oldWithNew] } ?? [])
    }

    /// What the chain of a peer may end in.
    public var anchors: [Certificate] { [current] + (succession.map { [$0.previous] } ?? []) }

    /// What a certificate is sent with, so that whoever knows one of two authorities can check it.
    public func intermediates(below leaf: Certificate) -> [Certificate] {
        guard let succession else { return [] }
        return leaf.isSigned(by: current) ? [succession.newWithOld] : [succession.oldWithNew]
    }

    /// Whether a party that accepts these may accept others in their place: the same current one, or others of which each has
    /// certified the other and one is held already. Never back to the one before.
    func mayBecome(_ others: Authorities) -> Bool {
        guard others.current != current else { return true }
        guard others.succession?.previous == current else { return false }
        return others.current != succession?.previous
    }
}

extension Authorities {
    /// Replaces the authorities in a state directory.
    public func save(in directory: String) throws(IdentityError) {
        try IdentityFiles.write(self, to: IdentityFiles.path(directory, IdentityFiles.authority))
    }

    /// The authorities in a state directory; nil where none can be read.
    public static func stored(in directory: String) -> Authorities? {
        try? IdentityFiles.readAuthorities(IdentityFiles.path(directory, IdentityFiles.authority))
    }
}
