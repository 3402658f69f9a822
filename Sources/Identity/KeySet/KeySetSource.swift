internal import Foundation

/// Where the keys are that tokens may be signed with: a JWK Set (RFC 7517) that may change at any time.
public enum KeySetSource: Sendable, Hashable {
    /// A file, read anew when it changes.
    case file(String)
    /// An address that begins with `https://`, or with `http://` on this machine; asked again for a key that is missing.
    case url(String)

    /// Reads a setting: what begins like an address is one, everything else is the path of a file.
    public init(_ text: String) {
        self = text.hasPrefix("https://") || text.hasPrefix("http://") ? .url(text) : .file(text)
    }

    func makeOrigin() throws(IdentityError) -> any KeySetOrigin {
        switch self {
        case .file(let path): KeySetFile(path: path)
        case .url(let text): KeySetAddress(url: try Self.address(text))
        }
    }

    private static func address(_ text: String) throws(IdentityError) -> URL {
        guard let url = URL(string: text), let host = url.host, !host.isEmpty, url.user == nil, url.password == nil
        else {
            throw IdentityError(
                .keySetPlace,
                "The address of the key set is none; it should be like 'https://login.example/keys', without a password."
            )
        }
        let isHere = ["127.0.0.1", "localhost", "::1", "[::1]"].contains(host)
        guard url.scheme == "https" || url.scheme == "http" && isHere else {
            throw IdentityError(
                .keySetPlace,
                "The address of the key set on '\(host)' should begin with 'https://': keys that anybody on the way can "
                    + "change prove nothing."
            )
        }
        return url
    }
}
