// SPDX-License-Identifier: MIT

import FiniteField
import Synchronization
import Testing

@Suite struct Field64BlockTests {
    /// Words around the modulus and the lengths of vector registers, rejected ones first, last, alone and in a row.
    private static let rejected: [[Int]] = [[], [0], [6], [0, 1, 2], [3, 6], [5, 6], [0, 6], Array(0..<7)]

    @Test(arguments: rejected)
    func wordsFromTheModulusUpAreSkippedByKernelsAndByGMPAlike(places: [Int]) throws {
        let words = (0..<7).map { place -> UInt64 in
            places.contains(place) ? [Field64.modulus, .max][place % 2] : Field64.modulus - 1 - UInt64(place)
        }
        let kept = words.filter { $0 < Field64.modulus }
        // The elements are lazy before, which is where a wrong sum would show.
        let before = [UInt64](repeating: .max, count: 10)
        for subtracting in [false, true] {
            var expected = Field64Vector(unreduced: before)
            if subtracting {
                try expected.subtract(contentsOf: kept.span, at: 2)
            } else {
                try expected.add(contentsOf: kept.span, at: 2)
            }
            var vector = Field64Vector(unreduced: before)
            let added = Mutex(0)
            vector.updateBlocks(of: 10, threads: 1, worker: {}) { _, block in
                let span = words.span
                added.withLock {
                    $0 = subtracting ? block.subtract(accepting: span, at: 2) : block.add(accepting: span, at: 2)
                }
            }
            #expect(added.withLock { $0 } == kept.count)
            #expect(vector == expected)
            if !subtracting {
                var reference = PrimeFieldVector(Field64Vector(unreduced: before))
                #expect(try reference.add(accepting: words.span, at: 2) == kept.count)
                #expect(reference.isEqual(to: expected))
            }
        }
    }

    @Test func longRunsOfWordsAreCutWhereTheReferenceCutsThem() throws {
        var random = TestRandom(seed: 11)
        var words = (0..<300).map { _ in random.next() % Field64.modulus }
        for place in [63, 64, 65, 128, 190, 299] { words[place] = .max }
        let kept = words.filter { $0 < Field64.modulus }
        var reference = PrimeFieldVector(Field64Vector(count: 300))
        #expect(try reference.add(accepting: words.span, at: 0) == kept.count)
        #expect(reference.isEqual(to: try Field64Vector(canonical: kept + [UInt64](repeating: 0, count: 6))))
    }

    @Test(arguments: [1, 2, 3, 8])
    func everyBlockIsChangedOnceWhateverTheThreads(threads: Int) {
        for (count, size) in [(0, 4), (1, 4), (4, 4), (5, 4), (103, 4), (64, 1)] {
            var vector = Field64Vector(count: count)
            let starts = Mutex<[Int]>([])
            vector.updateBlocks(of: size, threads: threads, worker: { [UInt64](repeating: 1, count: size) }) {
                ones, block in
                _ = block.add(accepting: ones.span.extracting(0..<block.count), at: 0)
                let start = block.start
                starts.withLock { $0.append(start) }
            }
            #expect(vector.canonicalWords().allSatisfy { $0 == 1 })
            #expect(starts.withLock { $0.sorted() } == Array(stride(from: 0, to: count, by: size)))
        }
    }

    @Test func aWorkerServesOneThreadForManyBlocks() {
        var vector = Field64Vector(count: 1000)
        let made = Mutex(0)
        vector.updateBlocks(of: 10, threads: 3, worker: { made.withLock { $0 += 1 } }) { _, _ in }
        #expect((1...3).contains(made.withLock { $0 }))
    }

    @Test func aWipedVectorIsZeroAndItsCopiesAreNot() throws {
        var vector = try Field64Vector(canonical: [1, 2, 3])
        let copy = vector
        vector.wipe()
        #expect(vector == Field64Vector(count: 3))
        #expect(copy.canonicalWords() == [1, 2, 3])
    }

    @Test func theReferenceRefusesOtherFieldsLanesAndPlaces() throws {
        let words: [UInt64] = [1, 2]
        let other = try PrimeModulus(decimal: "2305843009213693951")
        var foreign = try PrimeFieldVector(modulus: other, count: 2)
        #expect(throws: FieldError.modulusMismatch(expected: .field64, actual: other)) {
            try foreign.add(accepting: words.span, at: 0)
        }
        var wide = try PrimeFieldVector(modulus: .field64, count: 2, laneLimbs: 3)
        #expect(throws: FieldError.laneMismatch(expected: 2, actual: 3)) { try wide.add(accepting: words.span, at: 0) }
        var vector = PrimeFieldVector(Field64Vector(count: 2))
        #expect(throws: FieldError.outOfRange(offset: 1, count: 2, available: 2)) {
            try vector.add(accepting: words.span, at: 1)
        }
    }
}
