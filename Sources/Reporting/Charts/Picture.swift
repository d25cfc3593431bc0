// SPDX-License-Identifier: MIT

/// Draws itself at any width: the page has a narrow and a wide form of every chart.
protocol Chart: Sendable {
    /// Draws at this width, in user units; the height follows.
    func draw(width: Double) -> Drawing
    /// The same figures as text.
    var table: DataTable { get }
}

/// Holds the figures of a chart for those who read rather than look.
struct DataTable: Equatable, Sendable {
    /// The names of the columns, the first being that of the rows.
    var header: [String]
    /// The rows, each beginning with its name.
    var rows: [[String]]
}

/// Joins a chart with its words and its file name.
struct Picture: Sendable {
    /// The width of the wide form, in user units.
    static let wide = 620.0
    /// The width of the narrow form, for small screens.
    static let narrow = 340.0

    /// The name of the file, without an ending; also the identifier in the page.
    let name: String
    /// What is shown, in a few words.
    let title: String
    /// What can be seen, in one or two sentences.
    let description: String
    let chart: any Chart

    /// Gives an `svg` element for a page, named and described for screen readers.
    func element(width: Double, id: String) -> Markup {
        let drawing = chart.draw(width: width)
        return """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(drawing.width) \(drawing.height)" role="img" \
            aria-labelledby="\(id)-t \(id)-d"><title id="\(id)-t">\(title)</title>\
            <desc id="\(id)-d">\(description)</desc>\(drawing.body)</svg>
            """
    }

    /// Gives a whole SVG file, which brings its own colors.
    ///
    /// - Parameter css: `ChartTheme.css`, or `lightCSS` for a renderer without media queries.
    func file(css: String = ChartTheme.css) -> String {
        let drawing = chart.draw(width: Self.wide)
        let (margin, head) = (16.0, 40.0)
        let (width, height) = (drawing.width + 2 * margin, drawing.height + head + margin)
        let svg: Markup = """
            <?xml version="1.0" encoding="UTF-8"?>
            <svg xmlns="http://www.w3.org/2000/svg" width="\(width)" height="\(height)" \
            viewBox="0 0 \(width) \(height)" role="img" aria-labelledby="t d">
            <title id="t">\(title)</title>
            <desc id="d">\(description)</desc>
            <style>\(Markup(verbatim: css))</style>
            <rect class="bg" width="\(width)" height="\(height)"/>
            <text x="\(margin)" y="26" class="b">\(title)</text>
            <g transform="translate(\(margin) \(head))">\(drawing.body)</g>
            </svg>

            """
        return svg.text
    }
}
