/// Writes compact JSON into one buffer.
///
/// Members stand in the order in which they are written; that a name is written once is the caller's part.
public struct JSONWriter {
    /// What was written.
    public internal(set) var bytes: [UInt8] = []
    private var needsComma = false

    /// Makes an empty writer with room for that many bytes.
    public init(capacity: Int = 512) {
        bytes.reserveCapacity(capacity)
    }

    /// Writes one object and returns its bytes.
    public static func object<Failure: Error>(
        _ body: (inout JSONWriter) throws(Failure) -> Void
    ) throws(Failure) -> [UInt8] {
        var writer = JSONWriter()
        try writer.object(body)
        return writer.bytes
    }

    /// Writes one array and returns its bytes.
    public static func array<Failure: Error>(
        _ body: (inout JSONWriter) throws(Failure) -> Void
    ) throws(Failure) -> [UInt8] {
        var writer = JSONWriter()
        try writer.array(body)
        return writer.bytes
    }

    /// Forgets what was written and keeps the room.
    public mutating func clear() {
        bytes.removeAll(keepingCapacity: true)
        needsComma = false
    }

    /// Writes an object; the closure writes its members.
    public mutating func object<Failure: Error>(
        _ body: (inout JSONWriter) throws(Failure) -> Void
    ) throws(Failure) {
        try enclosed(by: UInt8(ascii: "{"), UInt8(ascii: "}"), body)
    }

    /// Writes an array; the closure writes its elements.
    public mutating func array<Failure: Error>(
        _ body: (inout JSONWriter) throws(Failure) -> Void
    ) throws(Failure) {
        try enclosed(by: UInt8(ascii: "["), UInt8(ascii: "]"), body)
    }

    /// Writes the name of a member whose value follows.
    public mutating func key(_ name: StaticString) {
        separate()
        name.withUTF8Buffer { appendQuoted($0) }
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    /// Writes the name, known only when the program runs, of a member whose value follows.
    public mutating func key(named name: String) {
        separate()
        appendQuoted(name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    /// Writes a text as an element or a value.
    public mutating func value(_ text: String) {
        separate()
        appendQuoted(text)
        needsComma = true
    }

    /// Writes a whole number as an element or a value.
    @inlinable public mutating func value(_ number: some BinaryInteger) {
        if let number = Int64(exactly: number) {
            value(integer: number)
        } else {
            value(json: Array(String(number).utf8))
        }
    }

    @usableFromInline mutating func value(integer: Int64) {
        separate()
        append(integer)
        needsComma = true
    }

    /// Writes a number as an element or a value: the shortest text that reads back as the same number.
    ///
    /// JSON has no infinity and no NaN; they become `null`.
    public mutating func value(_ number: Double) {
        json((number.isFinite ? "\(number)" : "null").utf8)
    }

    /// Writes a truth value as an element or a value.
    public mutating func value(_ truth: Bool) {
        json((truth ? "true" : "false").utf8)
    }

    /// Writes bytes that are JSON already, as an element or a value.
    public mutating func value(json bytes: [UInt8]) {
        json(bytes)
    }

    /// Writes `null` as an element or a value.
    public mutating func null() {
        json("null".utf8)
    }

    private mutating func json(_ text: some Collection<UInt8>) {
        separate()
        bytes.append(contentsOf: text)
        needsComma = true
    }

    private mutating func enclosed<Failure: Error>(
        by start: UInt8,
        _ end: UInt8,
        _ body: (inout JSONWriter) throws(Failure) -> Void
    ) throws(Failure) {
        separate()
        bytes.append(start)
        try body(&self)
        bytes.append(end)
        needsComma = true
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = false
    }
}
