// SPDX-License-Identifier: MIT

/// The rule for the name by which people know a member; it proves nothing.
public enum MemberName {
    /// The most bytes of UTF-8: what X.509 allows a common name (RFC 5280, ub-common-name).
    public static let bytesMax = 64

    /// Whether `name` has 1 to 64 bytes, no space at either end, and nothing that does not print: a name is shown on
    /// terminals, where control and direction marks could make it look like another.
    public static func isValid(_ name: String) -> Bool {
        guard (1...bytesMax).contains(name.utf8.count), name.first != " ", name.last != " " else { return false }
        return name.unicodeScalars.allSatisfy { scalar in
            prints(scalar) && (scalar == " " || scalar.properties.generalCategory != .spaceSeparator)
        }
    }

    /// Whether a scalar shows on a terminal as itself and leaves its neighbours alone: no control, no mark of direction
    /// (Unicode Bidirectional Algorithm, section 2), nothing without a meaning. Spaces do.
    public static func prints(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned: false
        default: true
        }
    }
}
