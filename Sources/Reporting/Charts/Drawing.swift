// SPDX-License-Identifier: MIT

/// Collects the shapes of one picture, in SVG user units from the upper left corner.
///
/// Shapes carry classes, never colors: `ChartTheme` gives every class a color for light and for dark surroundings.
struct Drawing: Equatable, Sendable {
    /// The size of the text, in user units.
    static let textSize = 13.0
    /// The distance between lines of text.
    static let lineHeight = 18.0

    /// The size of the picture.
    let width: Double
    private(set) var height: Double
    private(set) var body: Markup = ""

    init(width: Double, height: Double) {
        self.width = width
        self.height = height
    }

    enum Anchor: String { case start, middle, end }

    /// Estimates the width of a text from above: 0.62 em for each character, as wide as DejaVu Sans draws digits.
    static func textWidth(_ text: String) -> Double { Double(text.count) * textSize * 0.62 }

    mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ style: String) {
        body += "<line x1=\"\(x1)\" y1=\"\(y1)\" x2=\"\(x2)\" y2=\"\(y2)\" class=\"\(style)\"/>"
    }

    mutating func rectangle(
        _ x: Double, _ y: Double, _ width: Double, _ height: Double, _ style: String, tip: String? = nil
    ) {
        let open: Markup = "<rect x=\"\(x)\" y=\"\(y)\" width=\"\(width)\" height=\"\(height)\" class=\"\(style)\""
        body += tip.map { "\(open)><title>\($0)</title></rect>" } ?? "\(open)/>"
    }

    mutating func circle(_ x: Double, _ y: Double, _ radius: Double, _ style: String, tip: String? = nil) {
        let open: Markup = "<circle cx=\"\(x)\" cy=\"\(y)\" r=\"\(radius)\" class=\"\(style)\""
        body += tip.map { "\(open)><title>\($0)</title></circle>" } ?? "\(open)/>"
    }

    /// Draws a line through points, which breaks where one is missing.
    mutating func polyline(_ points: [(x: Double, y: Double)?], _ style: String) {
        var path = ""
        var isDrawing = false
        for point in points {
            guard let point else {
                isDrawing = false
                continue
            }
            path += "\(isDrawing ? "L" : "M")\(Markup.coordinate(point.x)) \(Markup.coordinate(point.y))"
            isDrawing = true
        }
        if !path.isEmpty { body += "<path d=\"\(path)\" class=\"\(style)\"/>" }
    }

    /// Draws a triangle that points up to this place.
    mutating func triangle(_ x: Double, _ y: Double, _ style: String, tip: String) {
        body += "<path d=\"M\(x) \(y)l5 9h-10z\" class=\"\(style)\"><title>\(tip)</title></path>"
    }

    /// Writes text on a baseline.
    mutating func text(_ text: String, _ x: Double, _ y: Double, _ anchor: Anchor = .start, _ style: String = "t") {
        body += "<text x=\"\(x)\" y=\"\(y)\" text-anchor=\"\(anchor.rawValue)\" class=\"\(style)\">\(text)</text>"
    }

    /// Makes room below.
    mutating func extend(to height: Double) { self.height = max(self.height, height) }
}
