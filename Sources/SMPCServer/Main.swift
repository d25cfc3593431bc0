// SPDX-License-Identifier: MIT

import Programs

@main
enum Main {
    static func main() async {
        await ProgramRunner.run(ServerCommand.self)
    }
}
