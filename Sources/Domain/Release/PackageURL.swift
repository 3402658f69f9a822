/// A package URL (purl): `pkg:type/namespace/name@version?qualifiers#subpath`.
public struct PackageURL: Sendable, Hashable {
    /// The type, lower case, such as `oci`.
    public let type: String
    /// The namespace, if there is one.
    public let namespace: String?
    /// The name.
    public let name: String
    /// The version, if there is one.
    public let version: String?
    /// The qualifiers by their lower-case names.
    public let qualifiers: [String: String]

    /// Takes a package URL apart; `nil` where the text is not one.
    public init?(_ text: String) {
        guard text.lowercased().hasPrefix("pkg:") else { return nil }
        var rest = text.dropFirst(4)
        while rest.first == "/" { rest = rest.dropFirst() }
        if let hash = rest.lastIndex(of: "#") { rest = rest[..<hash] }
        var qualifiers: [String: String] = [:]
        if let mark = rest.lastIndex(of: "?") {
            for pair in rest[rest.index(after: mark)...].split(separator: "&") {
                guard let equals = pair.firstIndex(of: "=") else { return nil }
                guard let value = Self.decoded(pair[pair.index(after: equals)...]) else { return nil }
                // One without a value counts as none.
                if !value.isEmpty { qualifiers[pair[..<equals].lowercased()] = value }
            }
            rest = rest[..<mark]
        }
        guard let slash = rest.firstIndex(of: "/") else { return nil }
        type = rest[..<slash].lowercased()
        rest = rest[rest.index(after: slash)...]
        var version: String?
        // Behind a slash it begins a scope, such as '@angular/core'; a version may have slashes of its own.
        if let at = rest.lastIndex(of: "@"), at > rest.startIndex, rest[rest.index(before: at)] != "/" {
            version = Self.decoded(rest[rest.index(after: at)...])
            rest = rest[..<at]
        }
        let segments = rest.split(separator: "/").compactMap(Self.decoded)
        guard let name = segments.last, !name.isEmpty, !type.isEmpty else { return nil }
        self.name = name
        namespace = segments.count > 1 ? segments.dropLast().joined(separator: "/") : nil
        self.version = version?.isEmpty == true ? nil : version
        self.qualifiers = qualifiers
    }

    /// The image without its tag, of a package that is one and says where it lies; `nil` of every other.
    ///
    /// `repository_url` is the image's own address in `oci` and the registry's in `docker`; people write either in both, as
    /// an address with a scheme, too.
    var imageRepository: String? {
        guard type == "oci" || type == "docker", let address = qualifiers["repository_url"] else { return nil }
        var place = address[...]
        if let scheme = place.firstRange(of: "://") { place = place[scheme.upperBound...] }
        while place.last == "/" { place = place.dropLast() }
        guard !place.isEmpty else { return nil }
        let path = type == "docker" ? [namespace, name].compactMap { $0 }.joined(separator: "/") : name
        return place == path || place.hasSuffix("/" + path) ? String(place) : "\(place)/\(path)"
    }

    /// Where it lies, without the host: of an image as its repository says, of anything else namespace and name.
    var path: String {
        imageRepository.map(RepositoryPath.of(image:)) ?? [namespace, name].compactMap { $0 }.joined(separator: "/")
    }

    private static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                return nil
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
