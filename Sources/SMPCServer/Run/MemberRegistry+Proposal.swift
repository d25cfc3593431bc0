// SPDX-License-Identifier: MIT

import Messages
import Primitives
import Programs

extension MemberRegistry {
    /// Reads the database and gives the members that an epoch may be proposed to.
    func proposed() throws -> [EpochProposal.Member] {
        try load()
        return try members.map { EpochProposal.Member(key: try PublicKey(spki: $0.spki), name: $0.name) }
    }
}
