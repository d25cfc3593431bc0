// SPDX-License-Identifier: MIT

import Glibc

/// Says which model file cannot be read or written, and why.
public struct ModelFileError: Error, Equatable, Sendable {
    /// The path as it was given.
    public let file: String
    /// What went wrong.
    public let reason: Reason

    /// The file's content, or the system's refusal: what was tried and errno.
    public enum Reason: Equatable, Sendable {
        /// It is not a model, or not the expected one.
        case content(SafetensorsError)
        /// A system call failed.
        case system(operation: String, code: Int32)
    }
}

extension ModelFileError: CustomStringConvertible {
    public var description: String {
        switch reason {
        case .content(let error): "\(file): \(error)"
        case .system(let operation, let code): "\(file): \(operation) failed: \(String(cString: strerror(code)))"
        }
    }
}
