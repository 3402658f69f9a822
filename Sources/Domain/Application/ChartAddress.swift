/// The address of a chart repository, as far as it says to whom a login goes.
struct ChartAddress: Sendable, Hashable {
    /// In lower case.
    let scheme: String
    /// In lower case, with the port.
    let host: String
    /// The folders below the host.
    let path: [Substring]
    /// Whether the path says plainly where it leads: nothing in it is encoded, points upwards or is no path at all.
    let isPlain: Bool

    /// Reads `https://charts.example/shop`; `nil` where the text is no such address, or names somebody before the host.
    init?(_ text: String) {
        guard let mark = text.firstRange(of: "://"), mark.lowerBound != text.startIndex else { return nil }
        scheme = text[..<mark.lowerBound].lowercased()
        let rest = text[mark.upperBound...]
        let authority = rest.prefix { !"/?#\\".contains($0) }
        guard !authority.isEmpty, !authority.contains("@") else { return nil }
        let port = ["https": ":443", "http": ":80"][scheme] ?? ""
        let name = authority.lowercased()
        host = !port.isEmpty && name.hasSuffix(port) ? String(name.dropLast(port.count)) : name
        let place = rest[authority.endIndex...]
        path = place.split(separator: "/")
        isPlain = !place.contains { "%?#\\".contains($0) } && !path.contains(".") && !path.contains("..")
    }

    /// Whether another repository is this one or lies under it, on the same host and by the same protocol.
    func covers(_ other: ChartAddress) -> Bool {
        guard scheme == other.scheme, host == other.host else { return false }
        return path == other.path || isPlain && other.isPlain && other.path.starts(with: path)
    }

    /// Whether the login that was given for one repository may be told to another.
    static func isLogin(for own: String?, meantFor other: String?) -> Bool {
        guard let own = own.flatMap({ ChartAddress($0) }), let other = other.flatMap({ ChartAddress($0) }) else {
            return false
        }
        return own.covers(other)
    }
}
