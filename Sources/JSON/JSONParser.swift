internal import CSimdjson

/// Parses JSON with simdjson, reusing its buffers.
///
/// Not sendable: one a thread. A document is checked whole before anything of it is seen: syntax, UTF-8, depth and size.
/// Numbers have 64 bits. simdjson finds the structure; one pass over it makes the values. Buffers grow with a large document and are given back by the next small one.
public final class JSONParser {
    /// How deeply objects and arrays may be nested.
    public let maximumDepth: Int
    /// The number of bytes a document may have.
    public let maximumBytes: Int
    private let parser: OpaquePointer
    @exclusivity(unchecked) @usableFromInline var isLending = false

    /// Longer paths are cut in errors.
    private static let longestPath = 256

    /// Makes a parser with limits; what exceeds them is an error, never a crash.
    ///
    /// - Parameters:
    ///   - maximumDepth: From 1 to 1,024 levels.
    ///   - maximumBytes: From 1 byte to 256 MiB.
    public init(maximumDepth: Int = 64, maximumBytes: Int = 1 << 20) {
        precondition((1...1024).contains(maximumDepth), "the depth of JSON is limited to 1 to 1,024 levels")
        precondition((1...(256 << 20)).contains(maximumBytes), "the size of JSON is limited to 1 byte to 256 MiB")
        guard let parser = sj_new(maximumDepth, maximumBytes) else {
            preconditionFailure("no memory for a JSON parser")
        }
        self.parser = parser
        self.maximumDepth = maximumDepth
        self.maximumBytes = maximumBytes
    }

    deinit {
        sj_free(parser)
    }

    /// Parses and lends the document, which is valid inside the closure only.
    ///
    /// The parser cannot parse another document inside the closure.
    ///
    /// - Throws: ``JSONError``, or what the closure throws.
    @inlinable
    public func withDocument<R>(_ bytes: UnsafeRawBufferPointer, _ body: (JSONValue) throws -> R) throws -> R {
        let root = try parse(bytes)
        isLending = true
        defer { isLending = false }
        return try body(root)
    }

    /// Parses and lends the document, which is valid inside the closure only.
    ///
    /// - Throws: ``JSONError``, or what the closure throws.
    @inlinable
    public func withDocument<R>(_ bytes: [UInt8], _ body: (JSONValue) throws -> R) throws -> R {
        try bytes.withUnsafeBytes { try withDocument($0, body) }
    }

    /// Whether the document that is lent has a backslash, without which no text of it can hold a character that JSON escapes.
    public var hasBackslash: Bool { sj_has_backslash(parser) }

    /// Refuses what a decoder would silently accept: repeated keys, U+0000 and halves of surrogate pairs.
    ///
    /// For slow messages, before `Codable`. The error names the path.
    public func validate(_ bytes: UnsafeRawBufferPointer) throws(JSONError) {
        let root = try parse(bytes)
        var path = [UInt8](repeating: 0, count: Self.longestPath)
        var count = 0
        let found = sj_check(root.node, &path, path.count, &count)
        guard let code = JSONError.Code(Int(found)) else { return }
        guard code != .outOfMemory else { throw error(code, count: bytes.count) }
        // Keys are the sender's: what could break a line of a log is left out.
        let printable = path.prefix(count).map { $0 < 0x20 || $0 == 0x7F ? UInt8(ascii: "?") : $0 }
        throw JSONError(strict: code, path: String(decoding: printable, as: UTF8.self))
    }

    /// Refuses what a decoder would silently accept: repeated keys, U+0000 and halves of surrogate pairs.
    ///
    /// For slow messages, before `Codable`. The error names the path.
    public func validate(_ bytes: [UInt8]) throws(JSONError) {
        try Self.lend(bytes) { buffer throws(JSONError) in try validate(buffer) }
    }

    /// The bytes of one member of an object, exactly as they were written.
    ///
    /// Reads the document twice: for slow messages.
    ///
    /// - Returns: `nil` where the document is no object or has no such member.
    public func bytes(of member: StaticString, in bytes: [UInt8]) throws(JSONError) -> [UInt8]? {
        try Self.lend(bytes) { buffer throws(JSONError) in
            _ = try parse(buffer)
            var found = sj_text()
            let code = member.withUTF8Buffer { name in
                name.baseAddress.map { sj_raw_member(parser, $0, name.count, &found) } ?? 0
            }
            if let code = JSONError.Code(Int(code)) { throw error(code, count: buffer.count) }
            return found.start.map { Array(UnsafeBufferPointer(start: $0, count: found.count)) }
        }
    }

    @usableFromInline func parse(_ bytes: UnsafeRawBufferPointer) throws(JSONError) -> JSONValue {
        precondition(!isLending, "a parser holds one document at a time")
        var root: UnsafePointer<sj_node>?
        let result = sj_parse(parser, bytes.baseAddress, bytes.count, &root)
        if let root { return JSONValue(node: root) }
        throw error(JSONError.Code(Int(result)) ?? .syntax, count: bytes.count)
    }

    private func error(_ code: JSONError.Code, count: Int) -> JSONError {
        JSONError(code, count: count, maximumDepth: maximumDepth, maximumBytes: maximumBytes)
    }

    /// `withUnsafeBytes` with typed errors.
    private static func lend<R>(
        _ bytes: [UInt8],
        _ body: (UnsafeRawBufferPointer) throws(JSONError) -> R
    ) throws(JSONError) -> R {
        let result = bytes.withUnsafeBytes { buffer -> Result<R, JSONError> in
            do throws(JSONError) {
                return .success(try body(buffer))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}

extension JSONError.Code {
    /// The code of a result of the C interface; `nil` where nothing is wrong.
    init?(_ result: Int) {
        switch result {
        case SJ_OK: return nil
        case SJ_UTF8: self = .notUTF8
        case SJ_DEPTH: self = .tooDeep
        case SJ_CAPACITY: self = .tooLarge
        case SJ_EMPTY: self = .empty
        case SJ_NUMBER: self = .numberOutOfRange
        case SJ_MEMORY: self = .outOfMemory
        case SJ_DUPLICATE_KEY: self = .duplicateKey
        case SJ_NUL_CHARACTER: self = .nulCharacter
        case SJ_SURROGATE: self = .loneSurrogate
        default: self = .syntax
        }
    }
}
