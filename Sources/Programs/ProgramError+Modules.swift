// SPDX-License-Identifier: MIT

import Discovery
import Identity
import Learning
import Primitives
import Reporting
import Transport

// How the errors of the modules end a program. Each describes itself in one line already.

extension AdvertisementError: ProgramErrorConvertible {
    /// Ends the program with `failed`.
    public var programError: ProgramError { ProgramError(.failed, "\(self)") }
}

extension ConnectionError: ProgramErrorConvertible {
    /// Ends the program with `failed` if somebody refused or broke the rules, `unreachable` otherwise.
    public var programError: ProgramError {
        switch self {
        case .closedBeforeWelcome, .lost, .network, .timedOut, .truncated, .unreachable, .unresolvable:
            ProgramError(.unreachable, "\(self)")
        default: ProgramError(.failed, "\(self)")
        }
    }
}

extension DataError: ProgramErrorConvertible {
    /// Ends the program with `usage` for a mistyped option, `failed` otherwise.
    public var programError: ProgramError {
        if case .option = self { return ProgramError(.usage, "\(self)") }
        return ProgramError(.failed, "\(self)")
    }
}

extension DiscoveryError: ProgramErrorConvertible {
    /// Ends the program with `failed`.
    public var programError: ProgramError { ProgramError(.failed, "\(self)") }
}

extension EnrolmentError: ProgramErrorConvertible {
    /// Ends the program with `failed`.
    public var programError: ProgramError { ProgramError(.failed, "\(self)") }
}

extension EnrolmentRefusal: ProgramErrorConvertible {
    /// Ends the program with `failed`.
    public var programError: ProgramError { ProgramError(.failed, "\(self)") }
}

extension IdentityError: ProgramErrorConvertible {
    /// Ends the program with `failed`.
    public var programError: ProgramError { ProgramError(.failed, "\(self)") }
}

extension ListenerError: ProgramErrorConvertible {
    /// Ends the program with `failed`; a taken port says how to choose another.
    public var programError: ProgramError {
        guard case .addressInUse = self else { return ProgramError(.failed, "\(self)") }
        return ProgramError(.failed, "\(self)", remedy: "end that program, or choose another port with --listen")
    }
}

extension ModelError: ProgramErrorConvertible {
    /// Ends the program with `usage` for a mistyped model, `failed` otherwise.
    public var programError: ProgramError {
        guard case .specification = self else { return ProgramError(.failed, "\(self)") }
        return ProgramError(.usage, "\(self)", subject: "--model")
    }
}

extension ModelFileError: ProgramErrorConvertible {
    /// Ends the program with `failed`.
    public var programError: ProgramError { ProgramError(.failed, "\(self)") }
}

extension PrimitiveError: ProgramErrorConvertible {
    /// Ends the program with `failed`.
    public var programError: ProgramError { ProgramError(.failed, "\(self)") }
}

extension ReportingError: ProgramErrorConvertible {
    /// Ends the program with `failed`.
    public var programError: ProgramError { ProgramError(.failed, "\(self)") }
}

extension TokenError: ProgramErrorConvertible {
    /// Ends the program with `failed`.
    public var programError: ProgramError { ProgramError(.failed, "\(self)") }
}

extension TrainingError: ProgramErrorConvertible {
    /// Ends the program with `failed`.
    public var programError: ProgramError { ProgramError(.failed, "\(self)") }
}
