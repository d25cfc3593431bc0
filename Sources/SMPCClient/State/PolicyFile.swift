// SPDX-License-Identifier: MIT

import Identity
import Programs

/// Reads and first writes `policy.toml`: what the site decides for itself.
enum PolicyFile {
    /// The keys, and what each can hold.
    private static let expected = [
        "new_members": "\"ask\" or \"accept\"", "min_members": "a whole number", "cohort_floor": "a whole number",
        "gamma_min": "a whole percentage from 0 to 50", "gamma_max": "a whole percentage from 0 to 50",
        "slots": "a list such as [\"sampled\", \"all\"]",
        "pinned_slots": "a list of pairs of IDs, [[\"primary\", \"standby\"], …]",
        "encodings": "a list such as [\"exact\"]", "initial_parameters": "64 hexadecimal digits in quotation marks",
        "rounds_per_day": "a whole number", "epochs_per_day": "a whole number",
    ]

    /// Reads the policy; a missing file is a policy of defaults.
    static func read(_ path: String) throws(ProgramError) -> SitePolicy {
        guard let file = try TOMLFile.read(path, known: expected.keys) else { return SitePolicy() }
        return try file.decode(SitePolicy.self, expected: expected)
    }

    /// Writes the defaults with an explanation of every line, unless the file is there already.
    static func writeDefault(_ path: String) throws {
        guard !PrivateFile.exists(path) else { return }
        try PrivateFile.write(template, to: path)
    }

    private static let template = """
        # What this site decides for itself. The coordinator proposes; a line here that refuses is named.

        # Members that join after this site's first epoch: "ask" waits for `smpc-client members confirm`;
        # "accept" lets everybody in whom the coordinator admits, which weakens the protection against invented members.
        new_members = "ask"

        # The fewest members of an epoch. Without this line: two thirds of the largest epoch so far.
        # min_members = 3

        # The fewest updates in a sum, where that is to be more than the protocol demands.
        # cohort_floor = 3

        # γ, the percentage of corrupt members that an epoch is computed for: from it follow how many updates a sum has at
        # least, and how many other sites must confirm a model that was handed over. Without these lines: any, 0 to 50.
        # gamma_min = 20
        # gamma_max = 50

        # How the slots of helpers may be filled: "sampled" (drawn by lot, with standbys), "all" (every member is one; what an
        # epoch of three has), "pinned" (as below). Without this line: sampled and all, and pinned where pinned_slots is set.
        # slots = ["sampled", "all"]

        # The slots of mode pinned, in order: the IDs of primary and standby, as `smpc-client members` shows them. The
        # coordinator's --pinned has to name exactly these.
        # pinned_slots = [["primary's ID", "standby's ID"], ["primary's ID", "standby's ID"]]

        # The encodings that are allowed. Without this line: all.
        # encodings = ["exact"]

        # The hash of first parameters that come from a file (`run --init FILE`). Without this line only parameters
        # that this site draws itself, from the run's public seed, are accepted.
        # initial_parameters = "64 hexadecimal digits"

        # The most rounds and epochs in 24 hours. Without these lines: any number.
        # rounds_per_day = 1000
        # epochs_per_day = 100

        """
}
