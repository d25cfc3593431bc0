// SPDX-License-Identifier: MIT

extension QuantizationError: CustomStringConvertible {
    /// Says what is wrong, where, and which bound applies.
    public var description: String {
        switch self {
        case .countMismatch(let expected, let actual):
            "\(actual) elements where \(expected) are expected"
        case .encodingUnknown(let bits):
            "no encoding has \(bits) bits; there are 7 to 32, and 63 for exact"
        case .encodingNotAvailable(let bits):
            "the packed encoding of \(bits) bits is not available in this version; use the exact one"
        case .digitsMismatch(let expected, let actual):
            "\(actual) digits per element are stated where the bits allow \(expected)"
        case .exponentCountMismatch(let expected, let actual):
            "scales of \(actual) blocks are stated where the model has \(expected)"
        case .exponentOutOfRange(let block, let exponent):
            "the scale 2^\(exponent) of block \(block) is not one of 2^\(PackedEncoding.exponentRange.lowerBound) to "
                + "2^\(PackedEncoding.exponentRange.upperBound)"
        case .firstRoundBits(let bits):
            "a first round has \(PackedEncoding.firstRoundBits) bits, not \(bits)"
        case .invalidClip(let clip):
            "the clipping norm \(clip) is neither 0 (none) nor a positive number"
        case .invalidLayout(let offset):
            "the model layout cannot be read from byte \(offset) on"
        case .invalidWeightMax(let weightMax):
            "the largest weight \(weightMax) is not a power of two between 1 and 2^40"
        case .notFinite(let coordinate):
            "coordinate \(coordinate) of the update is infinite or not a number"
        case .noSamples:
            "there are no samples to weigh the update with"
        case .outOfRange(let coordinate, let limit):
            "coordinate \(coordinate) of the update is too large: its integer would exceed \(limit)"
        case .scalarOutOfRange(let scalar, let limit):
            "the \(scalar) of an update lies outside the range that ends at \(limit)"
        case .seedLength(let expected, let actual):
            "a secret seed of \(actual) bytes is given where \(expected) are needed"
        case .sumOverflowed(let guardIndex):
            "the sum overflowed, as its guard \(guardIndex) shows; repeat the round with the encoding of a first one"
        case .tooManyUpdates(let members):
            "an encoding for \(members) members has no room for another update"
        case .totalWeightNotPositive(let weight):
            "the weights of the sum add up to \(weight), so that there is no mean"
        }
    }
}
