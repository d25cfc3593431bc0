// SPDX-License-Identifier: MIT

/// Says why a proxy made no tunnel.
public enum ProxyError: Error, Hashable, Sendable {
    /// It demands a name and a password, or does not accept those that were given (407); `schemes` are those it takes.
    case authenticationFailed(schemes: [String], hadCredentials: Bool)
    /// It closed the connection before it answered.
    case closed
    /// What it answered is not HTTP/1.
    case invalidResponse
    /// It answered this status instead of a success.
    case refused(status: Int)
    /// Its answer has a longer header than is read.
    case responseTooLong(maximum: Int)
    /// The target cannot stand in a request line.
    case targetInvalid
    /// The name or the password cannot stand in basic authentication: empty, too long, or with a character that is not
    /// allowed there.
    case credentialsInvalid
    /// Nothing answers where the proxy is said to be.
    case unreachable(host: String, port: Int, reason: String)
}

extension ProxyError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .authenticationFailed(let schemes, let hadCredentials):
            if !schemes.isEmpty, !schemes.contains("basic") {
                "the proxy takes only \(schemes.joined(separator: ", ")) for authentication, basic is what there is here"
            } else if hadCredentials {
                "the proxy does not accept the name and password given"
            } else {
                "the proxy demands a name and a password"
            }
        case .closed: "the proxy closed the connection without an answer"
        case .invalidResponse: "the proxy's answer is not HTTP"
        case .refused(let status): "the proxy refuses to connect there: status \(status)"
        case .responseTooLong(let maximum): "the proxy's answer has a header of more than \(maximum) bytes"
        case .targetInvalid: "the address cannot be asked of a proxy"
        case .credentialsInvalid:
            "name or password for the proxy is empty, too long, or holds a character that is not allowed"
        case .unreachable(let host, let port, let reason): "cannot connect to the proxy at \(host):\(port): \(reason)"
        }
    }
}
