import Glibc

/// An address of a host, read from its text.
struct IPAddress: Sendable, Hashable {
    enum Family: String, Sendable, Hashable, CaseIterable {
        case ipv4 = "IPv4"
        case ipv6 = "IPv6"
    }

    let family: Family
    private let bytes: [UInt8]
    /// The one way to write it, so that `2001:db8::1` and `2001:DB8:0::1` are the same.
    let text: String

    /// Reads an address; `nil` where the text is none.
    init?(_ text: String) {
        if let bytes = Self.bytes(text, AF_INET, count: 4) {
            (family, self.bytes, self.text) = (.ipv4, bytes, text)
        } else if let bytes = Self.bytes(text, AF_INET6, count: 16) {
            (family, self.bytes) = (.ipv6, bytes)
            var written = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
            guard inet_ntop(AF_INET6, bytes, &written, socklen_t(INET6_ADDRSTRLEN)) != nil else { return nil }
            self.text = String(decoding: written.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        } else {
            return nil
        }
    }

    static func == (left: IPAddress, right: IPAddress) -> Bool { left.bytes == right.bytes }
    func hash(into hasher: inout Hasher) { hasher.combine(bytes) }

    /// What makes the address useless as a destination, in words; Kubernetes refuses such addresses.
    var fault: String? {
        switch family {
        case .ipv4:
            if bytes == [0, 0, 0, 0] { return "the address of no host" }
            if bytes[0] == 127 { return "an address of the host itself" }
            if bytes.starts(with: [169, 254]) { return "an address of one link only" }
            return bytes.starts(with: [224, 0, 0]) ? "a multicast address of one link only" : nil
        case .ipv6:
            if bytes.allSatisfy({ $0 == 0 }) { return "the address of no host" }
            if bytes.dropLast().allSatisfy({ $0 == 0 }), bytes[15] == 1 { return "an address of the host itself" }
            if bytes.starts(with: Array(repeating: 0, count: 10) + [0xFF, 0xFF]) {
                return "an IPv4 address written as IPv6"
            }
            if bytes[0] == 0xFE, bytes[1] & 0xC0 == 0x80 { return "an address of one link only" }
            return bytes[0] == 0xFF && bytes[1] & 0x0F == 2 ? "a multicast address of one link only" : nil
        }
    }

    private static func bytes(_ text: String, _ family: Int32, count: Int) -> [UInt8]? {
        // A NUL would end the C text before its end.
        guard !text.utf8.contains(0) else { return nil }
        var bytes = [UInt8](repeating: 0, count: count)
        return inet_pton(family, text, &bytes) == 1 ? bytes : nil
    }
}
