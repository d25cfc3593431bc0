// SPDX-License-Identifier: MIT

/// Gives the classes of drawings their colors, for light and for dark surroundings.
///
/// Eight colors after Okabe and Ito (2008), moved until each has a contrast of at least 3 to 1 with its background
/// (WCAG 2.2, criterion 1.4.11). No chart depends on color alone: there are labels, line forms and a table.
enum ChartTheme {
    /// How many series colors there are.
    static let colorCount = 8
    /// How many steps a heat map has besides empty.
    static let heatSteps = 6

    static let series: [(light: String, dark: String)] = [
        ("#0072b2", "#56b4e9"), ("#c24e00", "#ff9a52"), ("#00805d", "#37c99b"), ("#a8497f", "#e593c1"),
        ("#6b7280", "#9aa4b2"), ("#7a6200", "#d9bc3c"), ("#5b4bb5", "#a79cf2"), ("#8c3b2e", "#e08a7c"),
    ]
    /// From few to many: on light from pale to dark, on dark the other way round; with the text that is read on each.
    static let heat: [(light: String, lightText: String, dark: String, darkText: String)] = [
        ("#f1f3f6", "#4b5563", "#20252d", "#aab4c2"), ("#dbe9f5", "#111827", "#17344d", "#f3f6fa"),
        ("#b9d6ec", "#111827", "#1b4a6e", "#f3f6fa"), ("#8cbcdf", "#111827", "#1f628f", "#ffffff"),
        ("#5fa3d2", "#0b1220", "#58a6da", "#08111a"), ("#12639c", "#ffffff", "#8cc5ec", "#08111a"),
        ("#083d66", "#ffffff", "#c9e4f8", "#08111a"),
    ]

    /// The rules of every class, with those for dark surroundings in a media query.
    static let css =
        rules(\.light, heatRule: { ($0.light, $0.lightText) }, base: lightBase) + shape
        + "@media (prefers-color-scheme: dark){"
        + rules(\.dark, heatRule: { ($0.dark, $0.darkText) }, base: darkBase) + "}"

    /// The rules for light surroundings alone, for renderers that know no media queries.
    static let lightCSS = rules(\.light, heatRule: { ($0.light, $0.lightText) }, base: lightBase) + shape

    static let lightBase = (surface: "#ffffff", text: "#1f2933", faint: "#556070", grid: "#dfe3e8", axis: "#6b7280")
    static let darkBase = (surface: "#171b21", text: "#e8ecf1", faint: "#a9b4c2", grid: "#323945", axis: "#8b96a5")

    private static func rules(
        _ color: KeyPath<(light: String, dark: String), String>,
        heatRule: ((light: String, lightText: String, dark: String, darkText: String)) -> (String, String),
        base: (surface: String, text: String, faint: String, grid: String, axis: String)
    ) -> String {
        var css =
            ".bg{fill:\(base.surface)}.t,.b{fill:\(base.text)}.n{fill:\(base.faint)}.g{stroke:\(base.grid)}"
            + ".a{stroke:\(base.axis)}.m{stroke:\(base.surface)}"
        for (index, pair) in series.enumerated() {
            css += ".f\(index){fill:\(pair[keyPath: color])}.s\(index){stroke:\(pair[keyPath: color])}"
        }
        for (index, step) in heat.enumerated() {
            let (fill, text) = heatRule(step)
            css += ".h\(index){fill:\(fill)}.k\(index){fill:\(text)}"
        }
        return css
    }

    /// What does not depend on the surroundings: widths, forms, type.
    private static let shape =
        "svg text{font:\(Int(Drawing.textSize))px system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif}"
        + "svg .b{font-weight:600}.g,.a{stroke-width:1}.wide{fill:none;stroke-width:8;stroke-opacity:.38;"
        + "stroke-linecap:round;stroke-linejoin:round}.thin{fill:none;stroke-width:2.2;stroke-linejoin:round}"
        + ".dash{stroke-dasharray:7 4}.bound{stroke-width:9;stroke-opacity:.4}.m{stroke-width:1}"
}
