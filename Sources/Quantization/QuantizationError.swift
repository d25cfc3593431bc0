// SPDX-License-Identifier: MIT

/// Why an encoding cannot be used, or an update not be encoded or applied with it.
public enum QuantizationError: Error, Equatable, Sendable {
    /// Two vectors that should have the same number of elements do not.
    case countMismatch(expected: Int, actual: Int)
    /// There is no encoding of this many bits; there are 7…32 and 63.
    case encodingUnknown(bits: Int)
    /// The protocol has this encoding, this version of the program does not.
    case encodingNotAvailable(bits: Int)
    /// An encoding states other digits per element than its bits allow.
    case digitsMismatch(expected: Int, actual: Int)
    /// An encoding states a scale for another number of blocks than the model has.
    case exponentCountMismatch(expected: Int, actual: Int)
    /// The exponent e of a block lies outside the range within which Float32 can compute.
    case exponentOutOfRange(block: Int, exponent: Int32)
    /// A first round is stated with other than 32 bits.
    case firstRoundBits(Int)
    /// A clipping norm is neither 0 (none) nor a positive finite number.
    case invalidClip(Double)
    /// The bytes of a model layout end early, go on too long, or describe too many parameters.
    case invalidLayout(offset: Int)
    /// The bound of the weights is not a power of two in 1…2^40.
    case invalidWeightMax(Double)
    /// This coordinate of the update is infinite or not a number.
    case notFinite(coordinate: Int)
    /// There are no samples to weigh the update with.
    case noSamples
    /// This coordinate of the update is too large for the sum of all members to be safe: |Z| would exceed the limit.
    case outOfRange(coordinate: Int, limit: Int64)
    /// The weight lies outside 1…limit (0 in a closing round), or a metric outside 0…limit.
    case scalarOutOfRange(Scalar, limit: Int64)
    /// A secret seed has another length.
    case seedLength(expected: Int, actual: Int)
    /// A sum overflowed, as the guard of this index shows, so that it cannot be read.
    case sumOverflowed(guardIndex: Int)
    /// More updates were added than the encoding has room for.
    case tooManyUpdates(members: Int)
    /// A sum has no weight, so that there is no mean.
    case totalWeightNotPositive(Int64)

    /// The elements of a vector beside the model's.
    public enum Scalar: Sendable {
        case clipped
        case correct
        case loss
        case tested
        case weight
    }
}
