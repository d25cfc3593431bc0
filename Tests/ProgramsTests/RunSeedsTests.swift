// SPDX-License-Identifier: MIT

import Learning
import Primitives
import Programs
import Testing

@Suite struct RunSeedsTests {
    @Test(arguments: [0, 1, 0x0102_0304_0506_0708, UInt64.max])
    func theNumberSurvivesTheConfiguration(number: UInt64) throws {
        let seeds = RunSeeds(seed: number)
        #expect(try #require(RunSeeds(trainingSeed: seeds.trainingSeed)) == seeds)
        #expect(seeds.initialSeed == TrainingPlan.initialSeed(run: number))
        #expect(seeds.shuffleSeed(part: 3, training: 2) == TrainingPlan.seed(run: number, part: 3, round: 2))
    }

    @Test func aSeedThatIsNoNumberIsNone() {
        #expect(RunSeeds(trainingSeed: SHA256.hash([])) == nil)
    }

    @Test func runsWithoutASeedDiffer() {
        #expect(RunSeeds() != RunSeeds())
        #expect(RunSeeds().number < 1 << 53)
    }
}
