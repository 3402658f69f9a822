/// How Kubernetes spells names, labels and annotations.
enum KubernetesSyntax {
    /// A DNS label (RFC 1123): small letters, digits and hyphens, a letter or digit at both ends.
    static func isLabel(_ text: some StringProtocol, limit: Int = 63) -> Bool {
        let bytes = Array(text.utf8)
        guard let first = bytes.first, let last = bytes.last, bytes.count <= limit else { return false }
        return isSmallAlphanumeric(first) && isSmallAlphanumeric(last)
            && bytes.allSatisfy { isSmallAlphanumeric($0) || $0 == UInt8(ascii: "-") }
    }

    /// A DNS label that begins with a letter (RFC 1035), as Services need it.
    static func isServiceName(_ text: some StringProtocol) -> Bool {
        isLabel(text) && text.utf8.first.map { !isDigit($0) } == true
    }

    /// DNS labels joined by dots (RFC 1123), as most objects are named.
    static func isSubdomain(_ text: some StringProtocol, limit: Int = 253) -> Bool {
        guard text.utf8.count <= limit else { return false }
        return text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { isLabel($0) }
    }

    /// The name of a host, perhaps with `*.` before it; an address is none.
    static func isHost(_ text: String) -> Bool {
        guard text.utf8.count <= 253, IPAddress(text) == nil else { return false }
        return isSubdomain(text.hasPrefix("*.") ? text.dropFirst(2) : text[...])
    }

    /// The key of a label or annotation: a name of at most 63 characters, perhaps with a DNS name and `/` before it.
    static func isQualifiedName(_ text: String) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard let name = parts.last, parts.count <= 2, isPlainName(name) else { return false }
        return parts.count == 1 || isSubdomain(parts[0])
    }

    /// The value of a label: empty, or like the name of a key.
    static func isLabelValue(_ text: String) -> Bool {
        text.isEmpty || isPlainName(text)
    }

    /// The name of a container's port: at most 15 small letters, digits and single hyphens, a letter among them.
    static func isPortName(_ text: String) -> Bool {
        isLabel(text, limit: 15) && !text.contains("--") && text.utf8.contains { isLetter($0) }
    }

    private static func isPlainName(_ text: some StringProtocol) -> Bool {
        let bytes = Array(text.utf8)
        guard let first = bytes.first, let last = bytes.last, bytes.count <= 63 else { return false }
        return isAlphanumeric(first) && isAlphanumeric(last)
            && bytes.allSatisfy { isAlphanumeric($0) || "-_.".utf8.contains($0) }
    }

    static func isAlphanumeric(_ byte: UInt8) -> Bool {
        isSmallAlphanumeric(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    }

    private static func isSmallAlphanumeric(_ byte: UInt8) -> Bool { isLetter(byte) || isDigit(byte) }
    private static func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
