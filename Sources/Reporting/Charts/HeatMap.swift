// SPDX-License-Identifier: MIT

/// Draws counts in a grid, the darker the more.
struct HeatMap: Chart {
    /// The names of the rows, from the top.
    let rows: [String]
    /// The names of the columns.
    let columns: [String]
    /// The counts, by row and column.
    let counts: [[Int]]
    /// What the columns are, and what the rows are.
    let columnsName: String
    let rowsName: String

    var table: DataTable {
        DataTable(
            header: [rowsName] + columns.map { "\(columnsName) \($0)" } + ["all"],
            rows: zip(rows, counts).map { row, cells in
                [row] + cells.map { NumberText.grouped($0) } + [NumberText.grouped(cells.reduce(0, +))]
            })
    }

    private let largest: Int

    /// Takes counts that are not negative, by row and column.
    init(rows: [String], columns: [String], counts: [[Int]], columnsName: String, rowsName: String) {
        self.rows = rows
        self.columns = columns
        self.counts = counts
        self.columnsName = columnsName
        self.rowsName = rowsName
        largest = counts.joined().max() ?? 0
    }

    /// The step of the colors for a count: 0 for none, then by sixths of the largest.
    static func step(_ count: Int, largest: Int) -> Int {
        guard count > 0, largest > 0 else { return 0 }
        let exact = (Double(count) / Double(largest) * Double(ChartTheme.heatSteps)).rounded(.up)
        return min(ChartTheme.heatSteps, max(1, Int(exact)))
    }

    func draw(width: Double) -> Drawing {
        var drawing = Drawing(width: width, height: 0)
        let top = drawScale(&drawing) + 26
        let names = rows.map { Legend.shortened($0, width: width / 4) }
        let left = max(names.map(Drawing.textWidth).max() ?? 0, Drawing.textWidth(rowsName)) + 8
        let cellWidth = (width - left) / Double(max(1, columns.count))
        // Many rows become thin stripes; every n-th is named.
        let cellHeight = max(4, min(30, 900 / Double(max(1, rows.count))))
        drawColumnNames(left, cellWidth, top, &drawing)
        let every = max(1, Int((Drawing.lineHeight * 0.9 / cellHeight).rounded(.up)))
        for (row, name) in names.enumerated() {
            let y = top + Double(row) * cellHeight
            if row % every == 0 { drawing.text(name, left - 8, y + cellHeight / 2 + 4.5, .end, "n") }
            for (column, count) in counts[row].enumerated() {
                draw(count, row, column, (left + Double(column) * cellWidth, y, cellWidth, cellHeight), &drawing)
            }
        }
        drawing.extend(to: top + Double(rows.count) * cellHeight + 4)
        return drawing
    }

    private func draw(
        _ count: Int, _ row: Int, _ column: Int, _ cell: (x: Double, y: Double, width: Double, height: Double),
        _ drawing: inout Drawing
    ) {
        let step = Self.step(count, largest: largest)
        let gap = min(1, cell.height / 8, cell.width / 8)
        drawing.rectangle(
            cell.x + gap, cell.y + gap, cell.width - 2 * gap, cell.height - 2 * gap, "h\(step)",
            tip: "\(rowsName) \(rows[row]), \(columnsName) \(columns[column]): \(NumberText.grouped(count)) samples")
        // Either all cells have their number or none has.
        guard cell.height >= 16, Drawing.textWidth("\(largest)") + 2 <= cell.width else { return }
        drawing.text("\(count)", cell.x + cell.width / 2, cell.y + cell.height / 2 + 4.5, .middle, "k\(step)")
    }

    private func drawColumnNames(_ left: Double, _ cellWidth: Double, _ top: Double, _ drawing: inout Drawing) {
        let widest = columns.map(Drawing.textWidth).max() ?? 0
        let every = max(1, Int(((widest + 6) / cellWidth).rounded(.up)))
        for (column, name) in columns.enumerated() where column % every == 0 {
            drawing.text(name, left + (Double(column) + 0.5) * cellWidth, top - 6, .middle, "n")
        }
        drawing.text(rowsName, left - 8, top - 6, .end, "n")
    }

    /// Draws what the colors mean and returns the height that was used.
    private func drawScale(_ drawing: inout Drawing) -> Double {
        let names =
            ["0"]
            + (1...ChartTheme.heatSteps).map { step in
                NumberText.grouped(largest * step / ChartTheme.heatSteps)
            }
        drawing.text("samples of a \(columnsName), up to:", 0, 13, .start, "n")
        let start = drawing.width < 500 ? 0.0 : Drawing.textWidth("samples of a \(columnsName), up to:") + 8
        let y = start == 0 ? 20.0 : 0.0
        let box = min(60, (drawing.width - start) / Double(names.count))
        for (step, name) in names.enumerated() {
            let x = start + Double(step) * box
            drawing.rectangle(x, y, box - 2, 20, "h\(step)")
            drawing.text(name, x + box / 2 - 1, y + 14.5, .middle, "k\(step)")
        }
        return y + 26
    }
}
