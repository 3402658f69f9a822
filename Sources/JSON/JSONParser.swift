internal import CSimdjson

/// Parses JSON with simdjson, reusing its buffers. Not sendable: one a thread.
public final class JSONParser {
    private let parser: OpaquePointer
    private let maximumDepth: Int
    private let maximumBytes: Int

    /// Makes a parser with limits on nesting and size; what exceeds them is an error, never a crash.
    public init(maximumDepth: Int = 64, maximumBytes: Int = 1 << 20) {
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
    /// - Throws: ``JSONError``, or what the closure throws.
    public func withDocument<R>(_ bytes: UnsafeRawBufferPointer, _ body: (JSONValue) throws -> R) throws -> R {
        try body(parse(bytes))
    }

    /// Parses and lends the document, which is valid inside the closure only.
    public func withDocument<R>(_ bytes: [UInt8], _ body: (JSONValue) throws -> R) throws -> R {
        try bytes.withUnsafeBytes { try body(parse($0)) }
    }

    /// Refuses what a decoder would silently accept: repeated keys, and strings that hold U+0000.
    public func validate(_ bytes: UnsafeRawBufferPointer) throws(JSONError) {
        let root = try parse(bytes)
        var path = [CChar](repeating: 0, count: 256)
        let found = sj_check(root.raw, &path, path.count)
        guard found != 0 else { return }
        let name = String(decoding: path.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let isDuplicate = found == SJ_DUPLICATE_KEY
        throw JSONError(
            code: isDuplicate ? .duplicateKey : .nulCharacter,
            path: name,
            sentence: isDuplicate
                ? "The key '\(name)' stands more than once in its object; each key may stand once."
                : "The text at '\(name)' holds the character U+0000; text must not."
        )
    }

    /// Refuses what a decoder would silently accept; see ``validate(_:)-(UnsafeRawBufferPointer)``.
    public func validate(_ bytes: [UInt8]) throws(JSONError) {
        var failure: JSONError?
        bytes.withUnsafeBytes { buffer in
            do throws(JSONError) { try validate(buffer) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    private func parse(_ bytes: UnsafeRawBufferPointer) throws(JSONError) -> JSONValue {
        var root = sj_value()
        let code = Int(sj_parse(parser, bytes.baseAddress, bytes.count, &root))
        guard code != SJ_OK else { return JSONValue(raw: root) }
        throw error(code, count: bytes.count)
    }

    private func error(_ code: Int, count: Int) -> JSONError {
        switch code {
        case SJ_UTF8: JSONError(code: .notUTF8, path: "", sentence: "The value is not UTF-8; JSON must be.")
        case SJ_DEPTH:
            JSONError(
                code: .tooDeep, path: "", sentence: "The value is nested more than \(maximumDepth) levels deep.")
        case SJ_CAPACITY:
            JSONError(
                code: .tooLarge, path: "",
                sentence: "The value has \(count) bytes; at most \(maximumBytes) are accepted.")
        case SJ_EMPTY: JSONError(code: .empty, path: "", sentence: "The value is empty; it should hold a JSON object.")
        case SJ_NUMBER:
            JSONError(code: .numberOutOfRange, path: "", sentence: "A number is malformed or does not fit 64 bits.")
        default: JSONError(code: .syntax, path: "", sentence: "The value is not JSON.")
        }
    }
}
