// SPDX-License-Identifier: MIT

/// Holds XML or HTML text in which everything that was interpolated is inert.
///
/// A literal is taken as it stands; an interpolated string is escaped, so that a run named `<script>` is only a name.
struct Markup: Equatable, Sendable, ExpressibleByStringInterpolation {
    /// The text to write into a file.
    private(set) var text: String

    init(stringLiteral value: String) { text = value }

    init(stringInterpolation: StringInterpolation) { text = stringInterpolation.text }

    /// Takes text of which the caller knows that it is well-formed: CSS of this module.
    init(verbatim text: String) { self.text = text }

    static func += (left: inout Markup, right: Markup) { left.text += right.text }

    /// Escapes what means something in XML and HTML, in content and in quoted attributes.
    ///
    /// Characters that XML 1.0 (section 2.2) does not allow become U+FFFD.
    static func escape(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            case "\u{0}"..."\u{8}", "\u{B}", "\u{C}", "\u{E}"..."\u{1F}", "\u{FFFE}", "\u{FFFF}":
                result.unicodeScalars.append("\u{FFFD}")
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    struct StringInterpolation: StringInterpolationProtocol {
        var text = ""

        init(literalCapacity: Int, interpolationCount: Int) { text.reserveCapacity(literalCapacity) }

        mutating func appendLiteral(_ literal: String) { text += literal }
        mutating func appendInterpolation(_ value: String) { text += Markup.escape(value) }
        mutating func appendInterpolation(_ value: Int) { text += String(value) }
        /// Writes a coordinate: at most two decimals, no exponent.
        mutating func appendInterpolation(_ value: Double) { text += Markup.coordinate(value) }
        mutating func appendInterpolation(_ value: Markup) { text += value.text }
    }

    /// Writes a length in user units; what is not finite cannot be drawn and becomes 0.
    static func coordinate(_ value: Double) -> String {
        guard value.isFinite else { return "0" }
        let text = NumberText.fixed(value, 2)
        guard text.contains(".") else { return text }
        let trimmed = text.reversed().drop { $0 == "0" }.drop { $0 == "." }.reversed()
        let short = String(trimmed)
        return short == "-0" || short.isEmpty ? "0" : short
    }
}

extension Sequence<Markup> {
    /// Puts the pieces one after the other.
    func joined(separator: String = "") -> Markup {
        Markup(verbatim: map(\.text).joined(separator: separator))
    }
}
