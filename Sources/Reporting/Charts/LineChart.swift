// SPDX-License-Identifier: MIT

/// Draws values over rounds as lines on common axes.
struct LineChart: Chart {
    /// Shows how a line is drawn: a wide pale one stays visible under a thin one that covers it.
    struct Style: Equatable, Sendable {
        /// The index of its color.
        var color: Int
        /// Whether it is the wide pale one.
        var isWide = false
        /// Whether it is broken, for when colors repeat.
        var isDashed = false

        var line: String { "s\(color) \(isWide ? "wide" : "thin")\(isDashed ? " dash" : "")" }
        var point: String { "f\(color)" }
    }

    /// Holds one line; the value of round r stands at r − 1.
    struct Series: Equatable, Sendable {
        var name: String
        /// The values; one that is not finite is left out of the picture and stays in the table.
        var values: [Double]
        var style: Style
        /// Rounds with a mark at the bottom, and what the mark says.
        var marks: [Int: String] = [:]
    }

    var series: [Series]
    var format: ValueFormat
    /// The distance that the axis spans at least.
    var spanMin = 0.0
    /// Values that may not be passed, with their words: a line each at plus and minus the value.
    var bounds: [(value: Double, name: String)] = []
    /// What the marks at the bottom mean.
    var marksName = "somebody dropped out"

    private var rounds: Int { series.map(\.values.count).max() ?? 0 }
    private static let pointsMax = 40
    private static let endLabelsMax = 10

    var table: DataTable {
        DataTable(
            header: ["round"] + series.map(\.name),
            rows: (0..<rounds).map { round in
                ["\(round + 1)"] + series.map { round < $0.values.count ? format.text($0.values[round]) : "–" }
            })
    }

    func draw(width: Double) -> Drawing {
        var drawing = Drawing(width: width, height: 0)
        let top = legend.draw(into: &drawing) + 4
        let plotHeight = width < 500 ? 190.0 : 280.0
        guard rounds > 0 else {
            drawing.text("No round was applied.", 0, top + 20, .start, "n")
            drawing.extend(to: top + 40)
            return drawing
        }
        let scale = NiceScale(
            covering: series.flatMap(\.values) + bounds.flatMap { [$0.value, -$0.value] }, spanMin: spanMin,
            isWhole: format == .logarithm)
        let labels = format.ticks(scale)
        let left = (labels.map(Drawing.textWidth).max() ?? 0) + 10
        let right = width - (endLabels.map { Drawing.textWidth($0.text) }.max() ?? 0) - 10
        let plot = Plot(left: left, right: right, top: top, bottom: top + plotHeight, rounds: rounds, scale: scale)
        plot.drawAxes(labels, into: &drawing)
        drawBounds(plot, &drawing)
        for line in series.filter(\.style.isWide) + series.filter({ !$0.style.isWide }) { draw(line, plot, &drawing) }
        drawEndLabels(plot, &drawing)
        return drawing
    }

    private var legend: Legend {
        var entries = series.map {
            (
                Legend.Swatch.stroke($0.style.line, point: $0.style.isWide || $0.style.isDashed ? nil : $0.style.point),
                $0.name
            )
        }
        entries += bounds.map { (.stroke("a bound", point: nil), $0.name) }
        if series.contains(where: { !$0.marks.isEmpty }) { entries.append((.triangle("f4"), marksName)) }
        return Legend(entries: entries)
    }

    private func draw(_ line: Series, _ plot: Plot, _ drawing: inout Drawing) {
        let points = line.values.enumerated().map { index, value in
            value.isFinite ? (x: plot.x(index + 1), y: plot.y(value)) : nil
        }
        drawing.polyline(points, line.style.line)
        // A single point has no line to be seen by.
        if !line.style.isWide && rounds <= Self.pointsMax || line.values.count == 1 {
            for (index, point) in points.enumerated() {
                guard let point else { continue }
                drawing.circle(
                    point.x, point.y, line.style.isWide ? 6 : 3.2, line.style.point,
                    tip: "\(line.name), round \(index + 1): \(format.text(line.values[index]))")
            }
        }
        for (round, text) in line.marks.sorted(by: { $0.key < $1.key }) where round >= 1 && round <= rounds {
            drawing.triangle(plot.x(round), plot.bottom - 11, line.style.point, tip: "\(line.name): \(text)")
        }
    }

    private func drawBounds(_ plot: Plot, _ drawing: inout Drawing) {
        for bound in bounds {
            for value in Set([bound.value, -bound.value]).sorted() where value.isFinite {
                drawing.line(plot.left, plot.y(value), plot.right, plot.y(value), "a bound")
            }
        }
    }

    /// The last finite value of each line; equal ones are written once, and none where they would not find room.
    private var endLabels: [(value: Double, text: String, style: String)] {
        var seen: Set<String> = []
        let labels = series.compactMap { line -> (value: Double, text: String, style: String)? in
            guard let value = line.values.last(where: \.isFinite) else { return nil }
            let text = format.text(value)
            return seen.insert(text).inserted ? (value, text, line.style.point) : nil
        }
        return labels.count <= Self.endLabelsMax ? labels : []
    }

    private func drawEndLabels(_ plot: Plot, _ drawing: inout Drawing) {
        let wanted = endLabels.map { ($0.text, plot.y($0.value)) }.sorted { $0.1 < $1.1 }
        let places = Self.spread(wanted.map(\.1), distance: 15, within: plot.top...plot.bottom)
        for (label, y) in zip(wanted, places) { drawing.text(label.0, plot.right + 8, y + 4.5, .start, "b") }
    }

    /// Moves ascending places apart until they are this far from each other, as far as the range allows.
    static func spread(_ places: [Double], distance: Double, within range: ClosedRange<Double>) -> [Double] {
        var result = places
        for index in result.indices.dropFirst() { result[index] = max(result[index], result[index - 1] + distance) }
        guard let last = result.last, last > range.upperBound else { return result }
        result[result.count - 1] = range.upperBound
        for index in result.indices.dropLast().reversed() {
            result[index] = min(result[index], result[index + 1] - distance)
        }
        return result
    }
}
