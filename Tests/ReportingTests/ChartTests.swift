// SPDX-License-Identifier: MIT

import FoundationXML
import Testing

@testable import Reporting

struct ChartTests {
    private func series(_ values: [Double], name: String = "a", isWide: Bool = false) -> LineChart.Series {
        LineChart.Series(name: name, values: values, style: .init(color: 0, isWide: isWide))
    }

    @Test func interpolatedTextIsInert() {
        let name = "<script>alert(\"1\")</script> & 'x'\u{0}"
        let markup: Markup = "<b title=\"\(name)\">\(name)</b>"
        #expect(!markup.text.contains("<script"))
        #expect(markup.text.contains("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;x&#39;\u{FFFD}"))
    }

    @Test(arguments: [(1.0, "1"), (1.256, "1.26"), (-0.001, "0"), (10.5, "10.5"), (100, "100"), (.nan, "0")])
    func coordinatesAreShort(value: Double, expected: String) {
        #expect(Markup.coordinate(value) == expected)
    }

    @Test func highValuesStandAboveLowOnes() {
        let plot = Plot(left: 40, right: 240, top: 10, bottom: 110, rounds: 3, scale: NiceScale(covering: [0, 10]))
        #expect(plot.y(0) == 110 && plot.y(10) == 10 && plot.y(5) == 60)
        #expect(plot.x(1) == 48 && plot.x(2) == 140 && plot.x(3) == 232)
    }

    @Test func aSingleRoundIsDrawnAsAPoint() {
        let drawing = LineChart(series: [series([0.5], isWide: true)], format: .percent).draw(width: 340)
        #expect(drawing.body.text.contains("<circle"))
    }

    @Test func aValueThatIsNotFiniteLeavesAGap() throws {
        let chart = LineChart(series: [series([1, .nan, 3, 4])], format: .number)
        let body = chart.draw(width: 620).body.text
        let path = try #require(body.split(separator: "<path d=\"").dropFirst().first?.split(separator: "\"").first)
        #expect(path.filter { $0 == "M" }.count == 2 && path.filter { $0 == "L" }.count == 1)
        #expect(body.matches(of: /<circle[^>]*r="3.2" class="f0"><title>/).count == 3)
        #expect(chart.table.rows[1] == ["2", "nan"])
    }

    @Test func withoutRoundsTheChartSaysSo() {
        #expect(
            LineChart(series: [series([])], format: .number).draw(width: 340).body.text.contains(
                "No round was applied."))
        let bars = StackedBars(
            parts: [.init(name: "p", color: 0)], panels: [.init(name: "a", note: "", values: [])], format: .bytes)
        #expect(bars.draw(width: 340).body.text.contains("no round was applied"))
    }

    @Test func aShorterRunHasDashesInTheTable() {
        let chart = LineChart(series: [series([1, 2]), series([1], name: "b")], format: .count)
        #expect(chart.table == DataTable(header: ["round", "a", "b"], rows: [["1", "1", "1"], ["2", "2", "–"]]))
    }

    @Test func theWideLineLiesUnderTheThinOne() throws {
        let chart = LineChart(series: [series([1, 2]), series([1, 2], name: "b", isWide: true)], format: .count)
        let body = chart.draw(width: 620).body.text
        let paths = body.split(separator: "<path ")
        #expect(paths[1].contains("wide") && paths[2].contains("thin"))
    }

    @Test func theBoundIsDrawnOnBothSides() {
        let chart = LineChart(series: [series([0.001])], format: .points, bounds: [(0.002, "bound")])
        let body = chart.draw(width: 620).body.text
        #expect(body.matches(of: /class="a bound"/).count == 3, "two lines and the legend")
        let zero = LineChart(series: [series([0])], format: .points, bounds: [(0, "bound")])
        #expect(zero.draw(width: 620).body.text.matches(of: /class="a bound"/).count == 2)
    }

    @Test func labelsAtTheEndMoveApart() {
        #expect(LineChart.spread([10, 12, 50], distance: 15, within: 0...100) == [10, 25, 50])
        #expect(LineChart.spread([90, 95, 99], distance: 15, within: 0...100) == [70, 85, 100])
        #expect(LineChart.spread([], distance: 15, within: 0...100) == [])
    }

    @Test func barsAreAsHighAsTheirValues() throws {
        let chart = StackedBars(
            parts: [.init(name: "p", color: 0), .init(name: "q", color: 1)],
            panels: [.init(name: "a", note: "", values: [[1, 3]])], format: .count)
        let body = chart.draw(width: 620).body.text
        let heights = body.matches(of: /height="([0-9.]+)" class="f[01] m"/).compactMap { Double($0.1) }
        try #require(heights.count == 2)
        #expect(abs(heights[1] - 3 * heights[0]) < 0.1)
    }

    @Test(arguments: [
        (15, 20, [1]), (15, 8, [2, 1]), (100, 30, [5]), (0, 10, []), (3, 0, [5, 3]),
    ]) func manyRoundsShareBars(rounds: Int, barsMax: Int, sizes: [Int]) {
        let groups = StackedBars.groups(rounds, barsMax: barsMax)
        #expect(groups.count <= max(1, barsMax))
        #expect(groups.flatMap { $0 } == Array(0..<rounds))
        #expect(groups.allSatisfy { sizes.contains($0.count) })
    }

    @Test func theLegendBreaksItsLines() {
        let entries = (1...6).map { (Legend.Swatch.box("f0"), "series number \($0)") }
        var (wide, narrow) = (Drawing(width: 2000, height: 0), Drawing(width: 340, height: 0))
        #expect(Legend(entries: entries).draw(into: &narrow) > Legend(entries: entries).draw(into: &wide))
        let ends = narrow.body.text.matches(
            of: /<text x="([0-9.]+)" y="[0-9.]+" text-anchor="start" class="t">([^<]*)</)
        #expect(ends.count == 6)
        #expect(ends.allSatisfy { (Double($0.1) ?? 0) + Drawing.textWidth(String($0.2)) <= 340 })
    }

    @Test(arguments: [(0, 100, 0), (1, 100, 1), (50, 100, 3), (100, 100, 6), (5, 0, 0), (16, 96, 1), (17, 96, 2)])
    func heatHasSteps(count: Int, largest: Int, step: Int) {
        #expect(HeatMap.step(count, largest: largest) == step)
    }

    @Test func manyClientsStayOnOneScreen() {
        let counts = [[Int]](repeating: [1, 2], count: 1000)
        let map = HeatMap(
            rows: counts.indices.map { "\($0)" }, columns: ["0", "1"], counts: counts, columnsName: "label",
            rowsName: "client")
        #expect(map.draw(width: 620).height < 4200)
        #expect(map.draw(width: 620).body.text.matches(of: /text-anchor="end" class="n"/).count < 300)
    }

    @Test func aFileIsWellFormedAndNamesItself() {
        let picture = Picture(
            name: "x", title: "a < b & \"c\"", description: "d > e",
            chart: LineChart(series: [series([1])], format: .count))
        for css in [ChartTheme.css, ChartTheme.lightCSS] {
            let file = picture.file(css: css)
            #expect(XMLParser(data: .init(file.utf8)).parse())
            #expect(file.contains("<title id=\"t\">a &lt; b &amp; &quot;c&quot;</title>"))
            #expect(file.contains("role=\"img\" aria-labelledby=\"t d\""))
        }
    }

    @Test func everyColorCanBeSeenOnItsBackground() throws {
        for pair in ChartTheme.series {
            #expect(try contrast(pair.light, ChartTheme.lightBase.surface) >= 3, "\(pair.light)")
            #expect(try contrast(pair.dark, ChartTheme.darkBase.surface) >= 3, "\(pair.dark)")
        }
        for step in ChartTheme.heat {
            #expect(try contrast(step.light, step.lightText) >= 4.5, "\(step)")
            #expect(try contrast(step.dark, step.darkText) >= 4.5, "\(step)")
        }
        for base in [ChartTheme.lightBase, ChartTheme.darkBase] {
            #expect(try contrast(base.text, base.surface) >= 7)
            #expect(try contrast(base.faint, base.surface) >= 4.5)
            #expect(try contrast(base.axis, base.surface) >= 3)
        }
    }

    /// The contrast ratio of two colors `#rrggbb` (WCAG 2.2, "contrast ratio" and "relative luminance").
    private func contrast(_ a: String, _ b: String) throws -> Double {
        func luminance(_ color: String) throws -> Double {
            let number = try #require(Int(color.dropFirst(), radix: 16))
            let parts = [number >> 16 & 255, number >> 8 & 255, number & 255].map { value -> Double in
                let share = Double(value) / 255
                return share <= 0.04045 ? share / 12.92 : power((share + 0.055) / 1.055)
            }
            return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
        }
        let (x, y) = (try luminance(a), try luminance(b))
        return (max(x, y) + 0.05) / (min(x, y) + 0.05)
    }

    /// x to the power of 2.4 for 0…1, as the square times the fifth root of the square.
    private func power(_ x: Double) -> Double {
        guard x > 0 else { return 0 }
        var root = 1.0
        for _ in 0..<60 { root -= (root * root * root * root * root - x * x) / (5 * root * root * root * root) }
        return x * x * root
    }
}
