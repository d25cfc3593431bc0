// SPDX-License-Identifier: MIT

/// Says what a process does in its federation, as the TXT key `role` carries it.
public enum ServiceRole: String, Sendable, Hashable, CaseIterable {
    case coordinator
    case party
}
