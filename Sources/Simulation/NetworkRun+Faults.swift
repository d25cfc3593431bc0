// SPDX-License-Identifier: MIT

extension NetworkRun {
    func disturb() throws {
        let plan = setting.plan
        guard !faultsAreOver else { return }
        if happens(plan.siteCrashes) {
            let site = sites[random.below(sites.count)]
            if site.isAlive { site.actionsToLive = random.below(8) }
        }
        if happens(plan.serverCrashes), server?.isAlive == true { server?.actionsToLive = random.below(12) }
        if happens(plan.partitions), unreachable.isEmpty {
            let count = 1 + random.below(max(1, sites.count / 2))
            let cut = Set((0..<count).map { _ in random.below(sites.count) })
            unreachable = cut
            for number in cut.sorted() {
                try breakLink(number)
                try breakPeerLinks(of: number)
            }
            schedule(.reachable(cut), after: 1_000 * (1 + random.below(plan.awayMax)))
        }
        if happens(plan.membership) { try changeMembers() }
    }

    private func changeMembers() throws {
        let spare = (setting.siteCount..<sites.count).filter { sites[$0].life == 0 && !gone.contains($0) }
        switch random.below(3) {
        case 0:
            if let number = spare.first { schedule(.join(number), after: 1) }
        case 1:
            let present = sites.indices.filter { sites[$0].isAlive }
            if present.count > 4 { schedule(.revoke(random.pick(present)), after: 1) }
        default:
            let present = sites.indices.filter { sites[$0].isAlive }
            guard present.count > 4 else { return }
            let number = random.pick(present)
            gone.insert(number)
            try kill(number)
        }
    }

    func kill(_ number: Int) throws {
        sites[number].crash()
        try died(number)
    }

    /// A site's program has ended: its connections are gone, and it comes back unless it has left.
    func died(_ number: Int) throws {
        try breakLink(number)
        try breakPeerLinks(of: number)
        wanted[number] = []
        welcome[number] = []
        if !gone.contains(number), sites[number].stopped == nil {
            schedule(.restart(number), after: 1_000 * (1 + random.below(setting.plan.awayMax)))
        }
    }

    /// Notices a death that came in the middle of an event.
    func check(_ number: Int, wasAlive: Bool) throws {
        if wasAlive, !sites[number].isAlive { try died(number) }
    }
}
