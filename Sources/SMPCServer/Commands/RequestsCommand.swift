// SPDX-License-Identifier: MIT

import ArgumentParser
import Identity
import Programs

/// Lists what waits for a signature.
struct RequestsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "requests", abstract: "Lists the requests that wait for the institution's authority.",
        discussion: """
            For a federation that began with init --ca-cert. Each request is a file, PKCS #10 in PEM, that the authority signs \
            with all its extensions. revoke NAME takes back the invitation behind one that is not to be signed.

              smpc-server requests --state fed
              openssl x509 -req -in REQUEST -CA ca.pem -CAkey ca-key.pem -days 365 -copy_extensions copy -out site-a.pem
              smpc-server certify site-a.pem --state fed

            Exit codes: 0 done, 1 failed, 64 usage.
            """)

    @OptionGroup var place: StateOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        _ = try Self.issuer(place.state)
        let waiting = try RequestFolder(directory: place.state).waiting()
        let progress = output.progress()
        for (role, request) in waiting {
            let name = request.subjectCommonName
            let path = RequestFolder(directory: place.state).requestPath(role)
            progress.result("\(name)  \(path)", Listed(name: name, uri: request.uris.first ?? "", file: path))
        }
        progress.result(
            waiting.count == 1 ? "1 request waits" : "\(waiting.count) requests wait", ["requests": waiting.count])
    }

    /// The issuer of a federation whose authority's key is elsewhere.
    ///
    /// - Throws: `ProgramError` with `usage` for any other.
    static func issuer(_ directory: String) throws -> CertificateIssuer {
        if !RequestFolder(directory: directory).exists {
            try PartyIdentity.requireFederation(directory: directory)
            throw ProgramError(
                .usage, "has an authority of its own, which signs at once", subject: directory,
                remedy: "there is nothing to sign elsewhere; init --ca-cert begins a federation where there is")
        }
        return try CertificateIssuer.load(directory: directory)
    }

    private struct Listed: Encodable {
        let name: String
        let uri: String
        let file: String
    }
}
