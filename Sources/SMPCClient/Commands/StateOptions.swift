// SPDX-License-Identifier: MIT

import ArgumentParser
import Programs

/// Names the state directory of the site.
struct StateOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The site's state directory: key, policy and everything it must not forget.", valueName: "dir"),
        completion: .directory)
    var state = "site"

    var directory: SiteDirectory { SiteDirectory(state) }

    /// The layers below the command line.
    func settings() throws(ProgramError) -> Settings { try Settings(file: directory.configuration) }
}
