// SPDX-License-Identifier: MIT

import Learning
import Testing

@Suite struct RunSeedsTests {
    @Test(arguments: [0, 1, UInt64.max])
    func theSeedsFollowFromTheNumber(number: UInt64) {
        let seeds = RunSeeds(seed: number)
        #expect(seeds.number == number)
        #expect(seeds.initialSeed == TrainingPlan.initialSeed(run: number))
        #expect(seeds.shuffleSeed(part: 3, training: 2) == TrainingPlan.seed(run: number, part: 3, round: 2))
    }

    @Test func runsWithoutASeedDiffer() {
        #expect(RunSeeds() != RunSeeds())
        #expect(RunSeeds().number < 1 << 53)
    }
}
