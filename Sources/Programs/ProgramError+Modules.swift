// SPDX-License-Identifier: MIT

import Discovery
import Glibc
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
        case .closedBeforeWelcome, .lost, .network, .proxy(.closed), .proxy(.unreachable), .timedOut, .truncated,
            .unreachable, .unresolvable:
            ProgramError(.unreachable, "\(self)")
        default: ProgramError(.failed, "\(self)")
        }
    }
}

extension DataError: ProgramErrorConvertible {
    /// Ends the program with `failed` if reading fails, with `usage` otherwise: the option or the file is wrong.
    public var programError: ProgramError {
        if case .read = self { return ProgramError(.failed, "\(self)") }
        return ProgramError(.usage, "\(self)")
    }
}

extension DiscoveryError: ProgramErrorConvertible {
    /// Ends the program with `failed`.
    public var programError: ProgramError { ProgramError(.failed, "\(self)") }
}

extension EnrolmentError: ProgramErrorConvertible {
    /// Ends the program with `failed`, or with `later` where the server asks to come again.
    public var programError: ProgramError {
        if case .refused(let refusal) = self { return refusal.programError }
        return ProgramError(.failed, "\(self)")
    }
}

extension EnrolmentRefusal: ProgramErrorConvertible {
    /// Ends the program with `failed`, or with `later` where the server asks to come again.
    public var programError: ProgramError {
        guard isForNow else { return ProgramError(.failed, "\(self)") }
        return ProgramError(
            .later, "\(self)", remedy: "repeat the same command with the same token later")
    }
}

extension IdentityError: ProgramErrorConvertible {
    /// Ends the program with `failed`; for a file of the state that is missing or damaged says where to get another.
    public var programError: ProgramError {
        switch self {
        case .authorityKeyLocked: ProgramError(.failed, "\(self)", remedy: "give --ca-passphrase-file")
        case .authorityPassphraseWrong: ProgramError(.failed, "\(self)", remedy: "correct --ca-passphrase-file")
        case .certificateKeyMismatch, .fileMalformed, .fileMissing:
            ProgramError(
                .failed, "\(self)",
                remedy: "restore the file from a copy; a site can join anew instead, as a new member")
        case .fileUnwritable:
            ProgramError(.failed, "\(self)", remedy: "name another place, or see to its permissions and free space")
        case .fileUnreadable: ProgramError(.failed, "\(self)", remedy: "see to its permissions")
        default: ProgramError(.failed, "\(self)")
        }
    }
}

extension ListenerError: ProgramErrorConvertible {
    /// Ends the program with `failed`; an address that cannot be used says how to choose another.
    public var programError: ProgramError {
        switch self {
        case .addressInUse:
            ProgramError(.failed, "\(self)", remedy: "end that program, or choose another port with --listen")
        case .cannotBind: ProgramError(.failed, "\(self)", remedy: "choose an address of this host with --listen")
        case .identityWithoutRole, .tls: ProgramError(.failed, "\(self)")
        }
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
    /// Ends the program with `usage` if there is no such file or another model in it, `failed` otherwise.
    public var programError: ProgramError {
        switch reason {
        case .content: ProgramError(.usage, "\(self)", remedy: "name a safetensors file of the run's --model")
        case .system(_, ENOENT): ProgramError(.usage, "there is no such file", subject: file, remedy: "correct --init")
        case .system: ProgramError(.failed, "\(self)", remedy: "see to its disk and permissions, then run again")
        }
    }
}

extension PrimitiveError: ProgramErrorConvertible {
    /// Ends the program with `failed`.
    public var programError: ProgramError { ProgramError(.failed, "\(self)") }
}

extension ReportingError: ProgramErrorConvertible {
    /// Ends the program with `failed`.
    public var programError: ProgramError {
        guard case .system = self else { return ProgramError(.failed, "\(self)") }
        return ProgramError(
            .failed, "\(self)",
            remedy: "name another directory with --metrics, or see to its permissions and free space")
    }
}

extension TokenError: ProgramErrorConvertible {
    /// Ends the program with `failed`.
    public var programError: ProgramError { ProgramError(.failed, "\(self)") }
}

extension TrainingError: ProgramErrorConvertible {
    /// Ends the program with `failed`.
    public var programError: ProgramError { ProgramError(.failed, "\(self)") }
}
