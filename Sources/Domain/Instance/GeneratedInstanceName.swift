/// The name of an instance for which none was chosen: the application and five characters.
enum GeneratedInstanceName {
    /// A helm release has at most 53 characters.
    private static let longest = 53
    private static let suffixLength = 5
    /// What Kubernetes uses: no vowels, so that no words appear, and nothing that looks like something else.
    private static let alphabet = Array("bcdfghjklmnpqrstvwxz2456789")

    /// Makes a name of random bytes; eight are enough.
    static func make(application: String, random bytes: some Sequence<UInt8>) -> String {
        var number = bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        var suffix = ""
        for _ in 0..<suffixLength {
            suffix.append(alphabet[Int(number % UInt64(alphabet.count))])
            number /= UInt64(alphabet.count)
        }
        var stem = application.prefix(longest - suffixLength - 1)
        while stem.hasSuffix("-") { stem = stem.dropLast() }
        return "\(stem)-\(suffix)"
    }
}
