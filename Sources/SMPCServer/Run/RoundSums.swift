// SPDX-License-Identifier: MIT

import Aggregation
import FiniteField
import Messages
import Primitives
import Programs
import Shares

/// The sum of one round while it is made: uploads added, partials subtracted, one block checked by a second arithmetic.
struct RoundSums {
    let context: RoundContext
    private var accumulator: ShareAccumulator
    private let files: StateFiles

    /// Begins with nothing, or with the stored sum of the uploads.
    init(_ context: RoundContext, arithmetic: Arithmetic, files: StateFiles, restoringUploads: Bool) throws {
        self.context = context
        self.files = files
        var generator = SystemRandom()
        accumulator = try ShareAccumulator(
            context: context.ctx.bytes, count: context.elements, arithmetic: arithmetic, using: &generator)
        guard restoringUploads else { return }
        let path = files.uploadSum(context.ctx.hex)
        let vector: Field64Vector
        do {
            vector = try Field64Vector(littleEndianBytes: try files.read(path))
        } catch let error as FieldError {
            throw ProgramError(.failed, "damaged: \(error)", subject: path)
        }
        try accumulator.add(ExplicitShare(context: context.ctx.bytes, vector: vector))
    }

    /// Adds an upload, or subtracts the partial of a slot.
    mutating func accept(_ vector: Field64Vector, partialOf slot: Int?) throws {
        if let slot {
            try accumulator.subtract(
                AggregateShare(context: context.ctx.bytes, slot: UInt32(slot), vector: vector))
        } else {
            try accumulator.add(ExplicitShare(context: context.ctx.bytes, vector: vector))
        }
    }

    /// Stores the sum of the uploads durably.
    func storeUploads() throws {
        try files.write(accumulator.finish().littleEndianBytes(), to: files.uploadSum(context.ctx.hex))
    }

    /// Stores S durably and returns its leaf.
    func storeSum() throws -> Digest {
        let sum = try accumulator.finish()
        try files.write(sum.littleEndianBytes(), to: files.sum(context.ctx.hex))
        return vectorLeaf(sum)
    }
}
