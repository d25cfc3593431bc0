// SPDX-License-Identifier: MIT

/// Names the marks of a chart above it, in as many lines as the width needs.
struct Legend: Sendable {
    enum Swatch: Equatable, Sendable {
        /// A filled square of this class.
        case box(String)
        /// A stroke of this class, with a point of the second class on it.
        case stroke(String, point: String?)
        /// A triangle of this class.
        case triangle(String)
    }

    let entries: [(swatch: Swatch, name: String)]
    private static let swatchWidth = 26.0
    private static let gap = 16.0

    /// Draws from the upper left corner and returns the height that was used.
    func draw(into drawing: inout Drawing) -> Double {
        guard !entries.isEmpty else { return 0 }
        var (x, y) = (0.0, 0.0)
        for entry in entries {
            let name = Self.shortened(entry.name, width: drawing.width - Self.swatchWidth)
            let width = Self.swatchWidth + Drawing.textWidth(name)
            if x > 0, x + width > drawing.width { (x, y) = (0, y + Drawing.lineHeight + 2) }
            draw(entry.swatch, x, y + 9, &drawing)
            drawing.text(name, x + Self.swatchWidth, y + 14)
            x += width + Self.gap
        }
        return y + Drawing.lineHeight + 10
    }

    private func draw(_ swatch: Swatch, _ x: Double, _ y: Double, _ drawing: inout Drawing) {
        switch swatch {
        case .box(let style): drawing.rectangle(x + 5, y - 6, 13, 13, style)
        case .triangle(let style): drawing.triangle(x + 11, y - 5, style, tip: "")
        case .stroke(let style, let point):
            drawing.line(x + 4, y, x + 18, y, style)
            if let point { drawing.circle(x + 11, y, 3.2, point) }
        }
    }

    /// Cuts a text that is wider than its place.
    static func shortened(_ text: String, width: Double) -> String {
        let fits = max(1, Int(width / Drawing.textWidth("0")))
        return text.count <= fits ? text : text.prefix(fits - 1) + "…"
    }
}
