// SPDX-License-Identifier: MIT

import Glibc

/// Says which model file cannot be read or written, and why.
public struct ModelFileError: Error, Equatable, Sendable {
    public let file: String
    public let reason: Reason

    /// The file's content, or the system's refusal: what was tried and errno.
    public enum Reason: Equatable, Sendable {
        case content(SafetensorsError)
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
