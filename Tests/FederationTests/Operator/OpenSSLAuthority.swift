// SPDX-License-Identifier: MIT

import Foundation
import Primitives
import Testing

/// An institution's authority in a directory of its own, used with the `openssl` command as its people would.
struct OpenSSLAuthority {
    let directory: URL

    /// Makes the authority; `key` is what `openssl req -newkey` takes.
    init(in directory: URL, key: [String] = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]) throws {
        self.directory = directory.appending(path: "institution")
        try FileManager.default.createDirectory(at: self.directory, withIntermediateDirectories: true)
        try openssl(
            ["req", "-x509", "-newkey"] + key + [
                "-noenc", "-keyout", "ca-key.pem", "-subj", "/CN=institution", "-days", "90", "-addext",
                "keyUsage=critical,keyCertSign", "-out", "ca.pem",
            ])
    }

    var certificate: String { path("ca.pem") }

    func path(_ name: String) -> String { directory.appending(path: name).path }

    /// Signs a request as `--help` says, but for what is changed; the path of the certificate.
    func sign(
        _ request: String, as name: String, days: String = "60", extensions: [String] = ["-copy_extensions", "copy"]
    ) throws -> String {
        try openssl(
            [
                "x509", "-req", "-in", request, "-CA", "ca.pem", "-CAkey", "ca-key.pem", "-days", days, "-out",
                "\(name).pem",
            ]
                + extensions)
        return path("\(name).pem")
    }

    /// Signs a request for these dates, in Unix seconds, as an institution does that keeps a list of what it has signed.
    func sign(_ request: String, as name: String, from begin: Int64, until end: Int64) throws -> String {
        let configuration = """
            [ca]
            default_ca = institution
            [institution]
            database = index.txt
            rand_serial = yes
            default_md = sha256
            policy = policy
            copy_extensions = copy
            [policy]
            commonName = supplied
            """
        try configuration.write(toFile: path("ca.cnf"), atomically: true, encoding: .utf8)
        for list in ["index.txt", "index.txt.attr"] where !FileManager.default.fileExists(atPath: path(list)) {
            try Data(list.hasSuffix("attr") ? "unique_subject = no\n".utf8 : "".utf8).write(
                to: URL(filePath: path(list)))
        }
        let dates = [begin, end].map { "\(UTCTime($0))".filter { $0.isNumber || $0 == "Z" } }
        try openssl([
            "ca", "-batch", "-notext", "-config", "ca.cnf", "-cert", "ca.pem", "-keyfile", "ca-key.pem", "-outdir", ".",
            "-startdate", dates[0], "-enddate", dates[1], "-in", request, "-out", "\(name).pem",
        ])
        return path("\(name).pem")
    }

    /// Makes a request of its own, for a key of its own.
    func request(_ name: String, uri: String) throws -> String {
        try openssl([
            "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-keyout",
            "\(name)-key.pem",
            "-subj", "/CN=\(name)", "-addext", "subjectAltName=URI:\(uri)", "-out", "\(name).csr",
        ])
        return path("\(name).csr")
    }

    /// Runs `openssl` here and expects it to succeed.
    func openssl(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments
        process.currentDirectoryURL = directory
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "openssl \(arguments.joined(separator: " ")): \(text)")
    }
}
