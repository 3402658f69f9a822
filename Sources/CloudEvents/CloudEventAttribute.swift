/// The attributes that CloudEvents 1.0 itself defines, in the order in which they are written.
enum CloudEventAttribute: String, CaseIterable {
    case specversion
    case id
    case source
    case type
    case subject
    case time
    case dataschema
    case datacontenttype

    /// The header that carries it in the binary mode.
    ///
    /// The content type travels under Kafka's usual name.
    var header: String { self == .datacontenttype ? "content-type" : "ce_" + rawValue }
}

/// The attributes of one event as they were read, before they are checked.
///
/// Both modes fill it, so that both are held to the same rules; `prefix` makes the errors name what the sender wrote.
struct CloudEventAttributes {
    let prefix: String
    private(set) var texts: [String: String] = [:]

    private static let longestAttribute = 1024
    private static let longestExtension = 4096

    init(prefix: String) {
        self.prefix = prefix
    }

    /// Takes an attribute.
    ///
    /// - Throws: ``CloudEventError`` if its name or its text is not one that CloudEvents allows.
    mutating func add(_ name: String, _ text: String) throws(CloudEventError) {
        let field = prefix + name
        guard !name.isEmpty, name.utf8.allSatisfy(Self.isNameCharacter) else {
            throw invalid(
                field.prefix(80),
                "is no name of an attribute; it should have only the characters a-z and 0-9"
            )
        }
        let limit = CloudEventAttribute(rawValue: name) == nil ? Self.longestExtension : Self.longestAttribute
        guard text.utf8.count <= limit else {
            throw CloudEventError(
                kind: .tooLarge,
                field: field,
                sentence: "'\(field)' has \(text.utf8.count) bytes; at most \(limit) are accepted."
            )
        }
        guard !text.unicodeScalars.contains(where: Self.isControl) else {
            throw invalid(field, "holds a control character; it should have none")
        }
        texts[name] = text
    }

    /// The text of an attribute that an event must have.
    func required(_ attribute: CloudEventAttribute) throws(CloudEventError) -> String {
        guard let text = texts[attribute.rawValue], !text.isEmpty else {
            let field = prefix + attribute.rawValue
            let fault = texts[attribute.rawValue] == nil ? "missing" : "empty"
            throw CloudEventError(
                kind: .missingAttribute,
                field: field,
                sentence: "'\(field)' is \(fault); each CloudEvent must have it, with a text."
            )
        }
        return text
    }

    /// The text of an attribute that an event may have; empty text is not allowed.
    func optional(_ attribute: CloudEventAttribute) throws(CloudEventError) -> String? {
        guard let text = texts[attribute.rawValue] else { return nil }
        guard !text.isEmpty else {
            throw invalid(prefix + attribute.rawValue, "is empty; it should have a text or be left out")
        }
        return text
    }

    func checkSpecVersion() throws(CloudEventError) {
        let version = try required(.specversion)
        guard version == "1.0" else {
            let field = prefix + "specversion"
            throw CloudEventError(
                kind: .wrongSpecVersion,
                field: field,
                sentence: "'\(field)' is '\(version.prefix(20))'; only CloudEvents 1.0 is read, so it should be '1.0'."
            )
        }
    }

    /// A time as it was written, once it is known to be one.
    func time() throws(CloudEventError) -> String? {
        guard let text = try optional(.time) else { return nil }
        guard RFC3339.parse(text) != nil else {
            throw invalid(
                prefix + "time",
                "is '\(text.prefix(40))'; it should be a time after RFC 3339, such as '2026-11-23T08:00:00Z'"
            )
        }
        return text
    }

    /// A URI, or a reference to one: checked for what no URI may hold.
    func reference(_ attribute: CloudEventAttribute, _ text: String) throws(CloudEventError) -> String {
        guard !text.utf8.contains(where: { $0 == 0x20 || "<>\"{}|\\^`".utf8.contains($0) }) else {
            throw invalid(
                prefix + attribute.rawValue,
                "is '\(text.prefix(80))'; it should be a URI reference, without spaces, quotes, brackets or backslashes"
            )
        }
        return text
    }

    /// What CloudEvents does not define and the trace does not claim.
    var extensions: [String: String] {
        texts.filter { name, _ in
            CloudEventAttribute(rawValue: name) == nil && name != "traceparent" && name != "tracestate"
        }
    }

    /// Whether an attribute that CloudEvents does not define may have this text.
    static func isExtension(_ text: String) -> Bool {
        text.utf8.count <= longestExtension && !text.unicodeScalars.contains(where: isControl)
    }

    func invalid(_ field: some StringProtocol, _ fault: String) -> CloudEventError {
        CloudEventError(kind: .invalidAttribute, field: String(field), sentence: "'\(field)' \(fault).")
    }

    private static func isNameCharacter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
    }
}
