// SPDX-License-Identifier: MIT

public import Identity

/// An invitation as the server keeps it; times are Unix seconds.
public struct StoredInvitation: Equatable, Sendable {
    /// The secret, the name and the time after which it is no longer good.
    public let invitation: Invitation
    /// When it was made.
    public let createdAt: Int64
    /// When a key used it; nil while none has.
    public let usedAt: Int64?
    /// When it was taken back; nil while it stands.
    public let withdrawnAt: Int64?

    /// Whether a key may still use it for the first time.
    public func isOpen(now: Int64) -> Bool {
        usedAt == nil && withdrawnAt == nil && now <= invitation.expiry
    }
}
