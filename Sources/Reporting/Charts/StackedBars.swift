// SPDX-License-Identifier: MIT

/// Draws stacked bars over rounds, a panel for each run beside the others, all on one scale.
struct StackedBars: Chart {
    /// Names one part of a bar.
    struct Part: Equatable, Sendable {
        var name: String
        /// The index of its color.
        var color: Int
    }

    /// Holds the bars of one run; `values[r][p]` is part p of round r + 1, not negative.
    struct Panel: Equatable, Sendable {
        var name: String
        /// A few words after the name, such as a mean.
        var note: String
        var values: [[Double]]
    }

    var parts: [Part]
    var panels: [Panel]
    var format: ValueFormat

    private static let barMin = 7.0
    private static let panelMin = 250.0

    var table: DataTable {
        let rounds = panels.map(\.values.count).max() ?? 0
        let columns = panels.flatMap { panel in parts.map { panels.count == 1 ? $0.name : "\(panel.name): \($0.name)" }
        }
        return DataTable(
            header: ["round"] + columns,
            rows: (0..<rounds).map { round in
                ["\(round + 1)"]
                    + panels.flatMap { panel in
                        parts.indices.map { round < panel.values.count ? format.text(panel.values[round][$0]) : "–" }
                    }
            })
    }

    func draw(width: Double) -> Drawing {
        var drawing = Drawing(width: width, height: 0)
        var top = Legend(entries: parts.map { (.box("f\($0.color)"), $0.name) }).draw(into: &drawing) + 6
        let sums = panels.flatMap(\.values).map { $0.filter(\.isFinite).reduce(0, +) }
        let scale = NiceScale(covering: sums, steps: 4, includingZero: true, isWhole: format == .count)
        let labels = format.ticks(scale)
        let left = (labels.map(Drawing.textWidth).max() ?? 0) + 10
        let across = max(1, min(panels.count, Int((width - left) / Self.panelMin), 3))
        let (gap, plotHeight) = (24.0, width < 500 ? 150.0 : 210.0)
        let panelWidth = (width - left - gap * Double(across - 1)) / Double(across)
        for row in stride(from: 0, to: panels.count, by: across) {
            for (column, panel) in panels[row..<min(row + across, panels.count)].enumerated() {
                let x = left + Double(column) * (panelWidth + gap)
                let plot = Plot(
                    left: x, right: x + panelWidth, top: top + 28, bottom: top + 28 + plotHeight,
                    rounds: panel.values.count, scale: scale)
                plot.drawValues(column == 0 ? labels : labels.map { _ in "" }, into: &drawing)
                draw(panel, plot, &drawing)
            }
            top += 28 + plotHeight + 50
        }
        drawing.extend(to: top - 4)
        return drawing
    }

    private func draw(_ panel: Panel, _ plot: Plot, _ drawing: inout Drawing) {
        heading(panel, plot, &drawing)
        let groups = Self.groups(panel.values.count, barsMax: Int((plot.right - plot.left) / Self.barMin))
        let slot = (plot.right - plot.left) / Double(max(1, groups.count))
        let bar = min(56, max(2, slot * 0.78))
        for (index, group) in groups.enumerated() {
            let middle = plot.left + slot * (Double(index) + 0.5)
            draw(panel, group, middle - bar / 2, bar, plot, &drawing)
        }
        drawing.line(plot.left, plot.bottom, plot.right, plot.bottom, "a")
        drawRounds(groups, slot, plot, &drawing)
    }

    private func heading(_ panel: Panel, _ plot: Plot, _ drawing: inout Drawing) {
        let name = Legend.shortened(panel.name, width: plot.right - plot.left)
        drawing.text(name, plot.left, plot.top - 12, .start, "b")
        // Semibold is wider than the estimate for regular text allows for.
        let x = plot.left + Drawing.textWidth(name) * 1.08 + 8
        if x + Drawing.textWidth(panel.note) <= plot.right + 4 {
            drawing.text(panel.note, x, plot.top - 12, .start, "n")
        }
    }

    /// Draws one bar: the means over a group of rounds, from the first part at the bottom up.
    private func draw(
        _ panel: Panel, _ group: Range<Int>, _ x: Double, _ width: Double, _ plot: Plot, _ drawing: inout Drawing
    ) {
        var below = 0.0
        for (index, part) in parts.enumerated() {
            let value = mean(group.map { panel.values[$0][index] }.filter(\.isFinite))
            guard value > 0 else { continue }
            let (y, next) = (plot.y(below + value), plot.y(below))
            let when =
                group.count == 1
                ? "round \(group.lowerBound + 1)" : "rounds \(group.lowerBound + 1) to \(group.upperBound)"
            drawing.rectangle(
                x, y, width, next - y, "f\(part.color)\(next - y > 3 ? " m" : "")",
                tip: "\(panel.name), \(when), \(part.name): \(format.text(value))")
            below += value
        }
    }

    private func drawRounds(_ groups: [Range<Int>], _ slot: Double, _ plot: Plot, _ drawing: inout Drawing) {
        guard let last = groups.last else {
            return drawing.text("no round was applied", plot.left, plot.bottom + 17, .start, "n")
        }
        let names = groups.map { $0.count == 1 ? "\($0.lowerBound + 1)" : "\($0.lowerBound + 1)–\($0.upperBound)" }
        let widest = (names.map(Drawing.textWidth).max() ?? 0) + 8
        let step = max(1, Int((widest / slot).rounded(.up)))
        for index in stride(from: 0, to: groups.count, by: step) {
            drawing.text(names[index], plot.left + slot * (Double(index) + 0.5), plot.bottom + 17, .middle, "n")
        }
        let averaged = last.upperBound > groups.count
        drawing.text(
            averaged ? "rounds, means" : "round", (plot.left + plot.right) / 2, plot.bottom + 35, .middle, "n")
    }

    /// Cuts the rounds into so many groups of equal length, the last perhaps shorter, that their bars have room.
    static func groups(_ rounds: Int, barsMax: Int) -> [Range<Int>] {
        guard rounds > 0 else { return [] }
        let least = (rounds + max(1, barsMax) - 1) / max(1, barsMax)
        let sizes = [1, 2, 5].flatMap { factor in [1, 10, 100, 1000, 10_000].map { factor * $0 } }.sorted()
        let size = sizes.first { $0 >= least } ?? least
        return stride(from: 0, to: rounds, by: size).map { $0..<min($0 + size, rounds) }
    }
}
