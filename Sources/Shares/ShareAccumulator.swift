// SPDX-License-Identifier: MIT

public import FiniteField

/// The sum of the shares of one round, added whole as they are accepted.
///
/// One block of 2^16 elements, drawn when the accumulator is made, is also summed by the arithmetic that does not sum the
/// whole, GMP or the kernels of Field64, and `finish` compares (protocol section 2): a wrong kernel or a failing processor is
/// found in service.
public struct ShareAccumulator: Sendable {
    /// The ctx of the round.
    public let context: [UInt8]
    /// The number of elements.
    public let count: Int
    /// What sums all elements.
    public let arithmetic: Arithmetic
    /// The block that the other arithmetic sums as well.
    public let checkedBlock: Int
    /// How many vectors and masks went in, added or subtracted.
    public private(set) var operandCount = 0

    /// The elements of `kernelRange`, summed by the kernels.
    private var kernelSum: Field64Vector
    /// The elements of `gmpRange`, summed by GMP.
    private var gmpSum: PrimeFieldVector
    private let blockElements: Int
    private var checkedRange: Range<Int> {
        MaskStream.range(of: checkedBlock, count: count, blockElements: blockElements)
    }
    private var kernelRange: Range<Int> { arithmetic == .field64 ? 0..<count : checkedRange }
    private var gmpRange: Range<Int> { arithmetic == .gmp ? 0..<count : checkedRange }

    /// Begins with zeros and draws the block to check.
    ///
    /// - Parameters:
    ///   - context: ctx, 32 bytes.
    ///   - count: elements of every vector of the round.
    ///   - arithmetic: what sums all elements; the result does not depend on it.
    ///   - generator: draws the block, locally and unpredictably.
    /// - Throws: `wrongLength`.
    public init(
        context: [UInt8], count: Int, arithmetic: Arithmetic = .field64,
        using generator: inout some RandomNumberGenerator
    ) throws(ShareError) {
        try self.init(
            context: context, count: count, arithmetic: arithmetic, blockElements: MaskStream.blockElements,
            using: &generator)
    }

    /// Begins with blocks of another size than masks have on the wire: for tests.
    init(
        context: [UInt8], count: Int, arithmetic: Arithmetic = .field64, blockElements: Int,
        using generator: inout some RandomNumberGenerator
    ) throws(ShareError) {
        guard context.count == MaskStream.contextBytes else {
            throw .wrongLength(of: .context, expected: MaskStream.contextBytes, actual: context.count)
        }
        self.context = context
        self.count = count
        self.arithmetic = arithmetic
        self.blockElements = blockElements
        let blocks = MaskStream.blockCount(of: count, blockElements: blockElements)
        checkedBlock = Int.random(in: 0..<max(1, blocks), using: &generator)
        kernelSum = Field64Vector(count: 0)
        gmpSum = PrimeFieldVector(kernelSum)
        kernelSum = Field64Vector(count: kernelRange.count)
        gmpSum = PrimeFieldVector(Field64Vector(count: gmpRange.count))
    }

    /// Adds a party's share.
    ///
    /// - Throws: `contextMismatch`, `countMismatch`.
    public mutating func add(_ share: ExplicitShare) throws(ShareError) {
        try requireMatch(share.context, share.vector.count)
        try field { accumulator throws(FieldError) in
            try accumulator.kernelSum.add(share.vector, in: accumulator.kernelRange)
            try accumulator.gmpSum.add(share.vector, in: accumulator.gmpRange)
        }
        operandCount += 1
    }

    /// Subtracts a helper's share; throws like `add`.
    public mutating func subtract(_ share: AggregateShare) throws(ShareError) {
        try requireMatch(share.context, share.vector.count)
        try field { accumulator throws(FieldError) in
            try accumulator.kernelSum.subtract(share.vector, in: accumulator.kernelRange)
            try accumulator.gmpSum.subtract(share.vector, in: accumulator.gmpRange)
        }
        operandCount += 1
    }

    /// Adds masks without ever holding one.
    ///
    /// - Parameter threads: the most threads to use, at least 1; the result does not depend on it. GMP uses one.
    /// - Throws: `contextMismatch`.
    public mutating func add(masks: [MaskStream], threads: Int = 1) throws(ShareError) {
        for mask in masks { try mask.requireContext(context) }
        switch arithmetic {
        case .field64: addByKernels(masks, threads: threads)
        case .gmp: addByGMP(masks)
        }
        operandCount += masks.count
    }

    private mutating func addByKernels(_ masks: [MaskStream], threads: Int) {
        var taken = PrimeFieldVector(Field64Vector(count: 0))
        swap(&taken, &gmpSum)
        let checked = CheckedBlock(index: checkedBlock, sum: consume taken)
        MaskExpansion(
            masks: masks, operation: .add, threads: threads, blockElements: blockElements, checked: checked
        ).apply(to: &kernelSum)
        gmpSum = checked.value
    }

    private mutating func addByGMP(_ masks: [MaskStream]) {
        let checkedBlock = checkedBlock
        gmpSum.add(masks: masks, blockElements: blockElements) { words, block, offset in
            guard block == checkedBlock else { return }
            do { _ = try kernelSum.add(accepting: words, at: offset) } catch {
                preconditionFailure("the reference has the shape of its block: \(error)")
            }
        }
    }

    /// Returns the sum so far, canonical; more may be added or subtracted afterwards.
    ///
    /// - Throws: `selfCheckFailed` when the kernels and GMP have different sums of the checked block.
    public func finish() throws(ShareError) -> Field64Vector {
        let result: Field64Vector
        let agrees: Bool
        switch arithmetic {
        case .field64:
            var sum = kernelSum
            sum.canonicalize()
            (result, agrees) = (sum, gmpSum.isEqual(to: sum, in: checkedRange))
        case .gmp:
            do { result = try Field64Vector(gmpSum) } catch { throw .field(error) }
            agrees = result[checkedRange] == kernelSum
        }
        guard agrees else { throw .selfCheckFailed(block: checkedBlock) }
        return result
    }

    /// Adds one to an element of the sum of the whole alone, as a failing processor might.
    mutating func injectFault(at index: Int) throws(ShareError) {
        try field { accumulator throws(FieldError) in
            let one: [UInt64] = [1]
            switch accumulator.arithmetic {
            case .field64: try accumulator.kernelSum.add(contentsOf: one.span, at: index)
            case .gmp: try accumulator.gmpSum.add(contentsOf: one.span, at: index)
            }
        }
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
