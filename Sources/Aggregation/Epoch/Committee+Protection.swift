// SPDX-License-Identifier: MIT

extension Committee {
    /// Says in plain words what protects an epoch of mode `all` (protocol section 1, "What holds").
    ///
    /// Nothing opens without the single answer of every honest member. With `cohortMin` − 1 corrupt members the sum of a
    /// round may hold one honest input alone.
    public var protection: String {
        let corrupt = cohortMin - 1
        let sites = "\(memberCount) sites, \(slotCount) helper slots (all). "
        let exposed =
            corrupt >= memberCount - 1
            ? "every other site" : "\(corrupt) of the other \(memberCount - 1) sites"
        return sites + "The coordinator can open a single update only if it has corrupted \(exposed)."
    }
}
