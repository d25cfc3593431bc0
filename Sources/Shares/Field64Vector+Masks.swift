// SPDX-License-Identifier: MIT

public import FiniteField

extension Field64Vector {
    /// Adds whole masks, all at once, without ever holding one.
    ///
    /// - Parameter threads: the most threads to use, at least 1; the result does not depend on it.
    public mutating func add(masks: [MaskStream], threads: Int = 1) {
        MaskExpansion(masks: masks, operation: .add, threads: threads).apply(to: &self)
    }

    /// Subtracts whole masks, as `add(masks:threads:)` adds them.
    public mutating func subtract(masks: [MaskStream], threads: Int = 1) {
        MaskExpansion(masks: masks, operation: .subtract, threads: threads).apply(to: &self)
    }
}
