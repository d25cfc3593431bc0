// SPDX-License-Identifier: MIT

public import FiniteField

/// The sum of the shares of one round, added whole as they are accepted.
///
/// One block of 2^16 elements, drawn when the accumulator is made, is also summed by GMP, and `finish` compares (protocol
/// section 2): a wrong kernel or a failing processor is found in service.
public struct ShareAccumulator: Sendable {
    /// The ctx of the round.
    public let context: [UInt8]
    /// The number of elements.
    public var count: Int { sum.count }
    /// The block that GMP sums as well.
    public let checkedBlock: Int
    /// How many vectors and masks went in, added or subtracted.
    public private(set) var operandCount = 0

    private var sum: Field64Vector
    private var reference: PrimeFieldVector
    private let blockElements: Int
    private var checkedRange: Range<Int> {
        MaskStream.range(of: checkedBlock, count: count, blockElements: blockElements)
    }

    /// Begins with zeros and draws the block to check.
    ///
    /// - Parameters:
    ///   - context: ctx, 32 bytes.
    ///   - count: elements of every vector of the round.
    ///   - generator: draws the block, locally and unpredictably.
    /// - Throws: `wrongLength`.
    public init(
        context: [UInt8], count: Int, using generator: inout some RandomNumberGenerator
    ) throws(ShareError) {
        try self.init(
            context: context, count: count, blockElements: MaskStream.blockElements, using: &generator)
    }

    /// Begins with blocks of another size than masks have on the wire: for tests.
    init(
        context: [UInt8], count: Int, blockElements: Int, using generator: inout some RandomNumberGenerator
    ) throws(ShareError) {
        guard context.count == MaskStream.contextBytes else {
            throw .wrongLength(of: .context, expected: MaskStream.contextBytes, actual: context.count)
        }
        self.context = context
        self.blockElements = blockElements
        let blocks = MaskStream.blockCount(of: count, blockElements: blockElements)
        checkedBlock = Int.random(in: 0..<max(1, blocks), using: &generator)
        sum = Field64Vector(count: count)
        reference = PrimeFieldVector(
            sum[MaskStream.range(of: checkedBlock, count: count, blockElements: blockElements)])
    }

    /// Adds a party's share.
    ///
    /// - Throws: `contextMismatch`, `countMismatch`.
    public mutating func add(_ share: ExplicitShare) throws(ShareError) {
        try requireMatch(share.context, share.vector.count)
        try field { accumulator throws(FieldError) in
            try accumulator.sum.add(share.vector)
            try accumulator.reference.add(PrimeFieldVector(share.vector[accumulator.checkedRange]))
        }
        operandCount += 1
    }

    /// Subtracts a helper's share; throws like `add`.
    public mutating func subtract(_ share: AggregateShare) throws(ShareError) {
        try requireMatch(share.context, share.vector.count)
        try field { accumulator throws(FieldError) in
            try accumulator.sum.subtract(share.vector)
            try accumulator.reference.subtract(PrimeFieldVector(share.vector[accumulator.checkedRange]))
        }
        operandCount += 1
    }

    /// Adds masks without ever holding one.
    ///
    /// - Parameter threads: the most threads to use, at least 1; the result does not depend on it.
    /// - Throws: `contextMismatch`.
    public mutating func add(masks: [MaskStream], threads: Int = 1) throws(ShareError) {
        for mask in masks { try mask.requireContext(context) }
        var taken = PrimeFieldVector(Field64Vector(count: 0))
        swap(&taken, &reference)
        let checked = CheckedBlock(index: checkedBlock, sum: consume taken)
        MaskExpansion(
            masks: masks, operation: .add, threads: threads, blockElements: blockElements, checked: checked
        ).apply(to: &sum)
        reference = checked.value
        operandCount += masks.count
    }

    /// Returns the sum so far, canonical; more may be added or subtracted afterwards.
    ///
    /// - Throws: `selfCheckFailed` when GMP has another sum of the checked block.
    public func finish() throws(ShareError) -> Field64Vector {
        var result = sum
        result.canonicalize()
        guard reference.isEqual(to: result[checkedRange]) else { throw .selfCheckFailed(block: checkedBlock) }
        return result
    }

    /// Adds one to an element of the kernels' sum alone, as a failing processor might.
    mutating func injectFault(at index: Int) {
        sum[index] = (Field64(reducing: sum[index]) + .one).canonical
    }

    private func requireMatch(_ otherContext: [UInt8], _ otherCount: Int) throws(ShareError) {
        guard otherContext == context else { throw .contextMismatch(expected: context, actual: otherContext) }
        guard otherCount == count else { throw .countMismatch(expected: count, actual: otherCount) }
    }

    private mutating func field(
        _ body: (inout ShareAccumulator) throws(FieldError) -> Void
    ) throws(ShareError) {
        do { try body(&self) } catch { throw .field(error) }
    }
}
