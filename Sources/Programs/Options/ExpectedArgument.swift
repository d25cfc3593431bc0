// SPDX-License-Identifier: MIT

import ArgumentParser

/// Is read from a command line, and says what it accepts when the environment or a file holds something else.
public protocol ExpectedArgument: ExpressibleByArgument {
    /// Completes the sentence "expected …".
    static var expectation: String { get }
}

/// Says what values of a type look like.
func expectation<Value: ExpressibleByArgument>(of type: Value.Type) -> String {
    if let expected = type as? any ExpectedArgument.Type { return expected.expectation }
    let values = type.allValueStrings
    if !values.isEmpty { return "one of \(values.joined(separator: ", "))" }
    switch type {
    case is any UnsignedInteger.Type: return "a whole number from 0"
    case is any BinaryInteger.Type: return "a whole number"
    case is any BinaryFloatingPoint.Type: return "a number"
    case is Bool.Type: return "true or false"
    default: return "another value"
    }
}
