// SPDX-License-Identifier: MIT

import ArgumentParser

/// Names what adds vectors; a choice of one process, as the bytes are the same either way.
public enum ArithmeticOption: String, Sendable, CaseIterable, ExpressibleByArgument {
    /// The kernels of Field64.
    case field64
    /// GMP.
    case gmp
}
