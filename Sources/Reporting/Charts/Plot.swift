// SPDX-License-Identifier: MIT

/// Maps rounds and values to places of a drawing and draws the axes around them.
struct Plot: Sendable {
    let left: Double
    let right: Double
    let top: Double
    let bottom: Double
    /// How many rounds lie along the horizontal axis.
    let rounds: Int
    let scale: NiceScale

    /// The place of a round, from 1; a single one stands in the middle.
    func x(_ round: Int) -> Double {
        guard rounds > 1 else { return (left + right) / 2 }
        let inset = 8.0
        return left + inset + (right - left - 2 * inset) * Double(round - 1) / Double(rounds - 1)
    }

    /// The place of a value.
    func y(_ value: Double) -> Double { bottom - (bottom - top) * scale.fraction(value) }

    /// Draws marks and names of both axes; needs 40 units below the plot.
    func drawAxes(_ labels: [String], into drawing: inout Drawing) {
        drawValues(labels, into: &drawing)
        drawing.line(left, bottom, right, bottom, "a")
        let widest = Drawing.textWidth("\(rounds)") + 8
        for round in NiceScale.rounds(rounds, ticksMax: Int((right - left) / widest)) {
            drawing.line(x(round), bottom, x(round), bottom + 4, "a")
            drawing.text("\(round)", x(round), bottom + 17, .middle, "n")
        }
        drawing.text("round", (left + right) / 2, bottom + 35, .middle, "n")
        drawing.extend(to: bottom + 41)
    }

    /// Draws a line across for every marked value, with its name to the left.
    func drawValues(_ labels: [String], into drawing: inout Drawing) {
        for (tick, label) in zip(scale.ticks, labels) {
            drawing.line(left, y(tick), right, y(tick), "g")
            drawing.text(label, left - 8, y(tick) + 4.5, .end, "n")
        }
    }
}
