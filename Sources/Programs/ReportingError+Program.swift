// SPDX-License-Identifier: MIT

import Reporting

extension ReportingError: ProgramErrorConvertible {
    /// Ends the program with `failed` and the error's own line.
    public var programError: ProgramError { ProgramError(.failed, description) }
}
