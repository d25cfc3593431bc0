// SPDX-License-Identifier: MIT

import FiniteField
import Testing

/// Natural numbers against what can be said of them otherwise; AggregationTests compare them with exact fractions of Python.
@Suite struct NaturalTests {
    @Test func rowsOfPascalsTriangleAddUpToPowersOfTwo() {
        for n in [0, 1, 2, 63, 64, 65, 200] {
            var sum = Natural(0)
            for k in 0...n { sum += .binomial(n, k) }
            var power = Natural(1)
            power.shiftLeft(by: n)
            #expect(sum == power, "n = \(n)")
        }
    }

    @Test func everyEntryIsTheSumOfTheTwoAboveIt() {
        for n in [1, 2, 70, 131] {
            for k in 1..<n + 1 where k < n {
                var sum = Natural.binomial(n - 1, k - 1)
                sum += .binomial(n - 1, k)
                #expect(sum == .binomial(n, k), "C(\(n), \(k))")
            }
        }
    }

    @Test func carriesReachTheNextLimb() {
        var number = Natural(.max)
        number += Natural(1)
        #expect(number.description == "18446744073709551616")
        number.multiply(by: .max)
        #expect(number.description == "340282366920938463444927863358058659840")
        number.divideExactly(by: .max)
        var power = Natural(1)
        power.shiftLeft(by: 64)
        #expect(number == power)
    }

    @Test func zeroStaysZero() {
        var zero = Natural(0)
        zero.multiply(by: 7)
        zero.shiftLeft(by: 130)
        zero.divideExactly(by: 3)
        zero += Natural(0)
        #expect(zero == Natural(0) && zero.description == "0")
        var five = Natural(5)
        five.multiply(by: 0)
        #expect(five == zero)
    }

    @Test func longerNumbersAreLarger() {
        var large = Natural(1)
        large.shiftLeft(by: 64)
        #expect(Natural(.max) <= large && !(large <= Natural(.max)) && large <= large)
        #expect(Natural(0) <= Natural(1) && !(Natural(2) <= Natural(1)))
    }
}
