// SPDX-License-Identifier: MIT

import ArgumentParser
import Identity
import Programs

/// Sets, changes or removes the passphrase of the authority's key.
struct PassphraseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "passphrase", abstract: "Sets, changes or removes the passphrase of the authority's key.",
        discussion: """
            Writes ca-key.pem anew, whole or not at all. A server that runs keeps what it has read; copies made earlier keep \
            their passphrase, or none.

              smpc-server passphrase --state fed --new-passphrase-file new
              smpc-server passphrase --state fed --ca-passphrase-file new --remove

            Exit codes: 0 done, 1 failed (a wrong passphrase), 64 usage.
            """)

    @OptionGroup var place: StateOptions
    @OptionGroup var authority: PassphraseOptions
    @Option(
        help: ArgumentHelp(
            "The file whose first line is the passphrase from now on. (default: none)", valueName: "file"),
        completion: .file())
    var newPassphraseFile: String?
    @Flag(help: "Keep the key without a passphrase from now on. (default: none)")
    var remove = false
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if (newPassphraseFile != nil) == remove {
            throw ValidationError("give either --new-passphrase-file FILE or --remove")
        }
    }

    func run() throws {
        guard !RequestFolder(directory: place.state).exists else {
            throw ProgramError(
                .usage, "has no authority's key: it is elsewhere", subject: place.state,
                remedy: "its passphrase is the institution's affair")
        }
        try PartyIdentity.requireFederation(directory: place.state)
        let lock = try StateLock(directory: place.state, for: .authority)
        defer { withExtendedLifetime(lock) {} }
        let present = try authority.passphrase()
        let next = try newPassphraseFile.map { path throws(ProgramError) in
            try PassphraseOptions.read(path, option: "--new-passphrase-file")
        }
        try CertificateAuthority.load(directory: place.state, passphrase: present)
            .save(directory: place.state, passphrase: next)
        let path = "\(place.state)/ca-key.pem"
        output.progress().result(
            next == nil ? "\(path) is kept without a passphrase" : "\(path) is encrypted under the new passphrase",
            Changed(file: path, encrypted: next != nil))
    }

    private struct Changed: Encodable {
        let file: String
        let encrypted: Bool
    }
}
