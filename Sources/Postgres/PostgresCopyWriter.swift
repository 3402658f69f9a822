import CPq
import Logging

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Builds the rows of a binary COPY, column by column.
///
/// Append the columns of a row in order; the next append begins the next row. The server converts nothing: the Swift
/// type must be that of the column (`Int64` for `bigint`, `Int32` for `integer`, and so on).
public struct PostgresCopyWriter {
    private let connection: PostgresConnection
    private let columnCount: Int
    private var column = 0
    private var buffer: [UInt8] = []
    private(set) var failure: PostgresError?

    private static let chunkSize = 64 << 10

    init(_ connection: PostgresConnection, columnCount: Int) {
        self.connection = connection
        self.columnCount = columnCount
        buffer.reserveCapacity(Self.chunkSize + 4096)
        buffer.append(contentsOf: Array("PGCOPY\n".utf8) + [0xFF, 0x0D, 0x0A, 0x00])
        buffer.append(bigEndian: Int32(0))
        buffer.append(bigEndian: Int32(0))
    }

    /// Appends a null.
    public mutating func appendNull() {
        begin()
        buffer.append(bigEndian: Int32(-1))
    }

    /// Appends a `bigint`.
    public mutating func append(_ value: Int64) {
        appendFixed(value)
    }

    /// Appends an `integer`.
    public mutating func append(_ value: Int32) {
        appendFixed(value)
    }

    /// Appends a `smallint`.
    public mutating func append(_ value: Int16) {
        appendFixed(value)
    }

    /// Appends a `double precision`.
    public mutating func append(_ value: Double) {
        appendFixed(value.bitPattern)
    }

    /// Appends a `boolean`.
    public mutating func append(_ value: Bool) {
        appendFixed(UInt8(value ? 1 : 0))
    }

    /// Appends a `uuid`.
    public mutating func append(_ value: UUID) {
        begin()
        buffer.append(bigEndian: Int32(16))
        buffer.append(uuid: value)
    }

    /// Appends a `timestamptz`, in microseconds since 1970-01-01 UTC.
    public mutating func append(timestamp: Int64) {
        appendFixed(PostgresEpoch.toServer(timestamp))
    }

    /// Appends a `text` or `json`.
    public mutating func append(_ value: String) {
        var value = value
        value.withUTF8 { append(text: UnsafeRawBufferPointer($0)) }
    }

    /// Appends a `text` or `json`, as UTF-8.
    public mutating func append(text bytes: UnsafeRawBufferPointer) {
        if !bytes.isFreeOfZeroBytes {
            fail(
                PostgresError(kind: .usage, message: "a text holds a zero byte (U+0000), which PostgreSQL cannot store")
            )
        }
        append(bytes: bytes)
    }

    /// Appends a `bytea`.
    public mutating func append(bytes: UnsafeRawBufferPointer) {
        begin()
        buffer.append(bigEndian: Int32(bytes.count))
        buffer.append(contentsOf: bytes)
    }

    /// Appends a `bytea` or, as UTF-8, a `text` or `json`.
    public mutating func append(_ value: [UInt8]) {
        value.withUnsafeBytes { append(bytes: $0) }
    }

    /// Appends a `jsonb`, as UTF-8.
    public mutating func append(jsonb bytes: UnsafeRawBufferPointer) {
        begin()
        buffer.append(bigEndian: Int32(bytes.count + 1))
        buffer.append(1)
        buffer.append(contentsOf: bytes)
    }

    /// Appends a `jsonb`, as UTF-8.
    public mutating func append(jsonb value: [UInt8]) {
        value.withUnsafeBytes { append(jsonb: $0) }
    }

    /// Sends the last rows; throws what went wrong on the way.
    mutating func finish() throws(PostgresError) {
        if let failure { throw failure }
        guard column == 0 || column == columnCount else {
            throw PostgresError(kind: .usage, message: "the last row of a COPY lacks columns")
        }
        buffer.append(bigEndian: Int16(-1))
        try connection.sendCopyData(buffer)
    }

    private mutating func appendFixed<Integer: FixedWidthInteger>(_ value: Integer) {
        begin()
        buffer.append(bigEndian: Int32(MemoryLayout<Integer>.size))
        buffer.append(bigEndian: value)
    }

    /// Begins a column and, after the last one, a row; full buffers are sent between rows.
    private mutating func begin() {
        if column == columnCount {
            column = 0
            if buffer.count >= Self.chunkSize { send() }
        }
        if column == 0 { buffer.append(bigEndian: Int16(columnCount)) }
        column += 1
    }

    private mutating func send() {
        if failure == nil {
            do { try connection.sendCopyData(buffer) } catch { fail(error) }
        }
        buffer.removeAll(keepingCapacity: true)
    }

    private mutating func fail(_ error: PostgresError) {
        failure = failure ?? error
    }
}

extension PostgresConnection {
    /// Writes rows into a table by binary COPY.
    ///
    /// - Parameters:
    ///   - table: The table's name, with its schema in front if it holds a dot.
    ///   - columns: The columns each row gives, in order.
    ///   - rows: Appends the rows. If it throws, nothing is written and the error is thrown on.
    /// - Returns: The number of rows written.
    /// - Throws: ``PostgresError``, or what `rows` throws.
    @discardableResult
    public func copyIn(
        into table: String,
        columns: [String],
        rows: (inout PostgresCopyWriter) throws -> Void
    ) throws -> Int {
        let names = columns.map(PostgresIdentifier.quote).joined(separator: ", ")
        let sql = "copy \(PostgresIdentifier.quoteTable(table)) (\(names)) from stdin (format binary)"
        _ = try exchange(beginsCopy: true) { PQsendQuery($0, sql) }
        do {
            var writer = PostgresCopyWriter(self, columnCount: columns.count)
            try rows(&writer)
            try writer.finish()
        } catch {
            abandonCopy()
            throw error
        }
        return PostgresResult(handle: try endCopy(reason: nil)).affected
    }

    /// Hands rows to libpq and sends them.
    fileprivate func sendCopyData(_ bytes: [UInt8]) throws(PostgresError) {
        let handle = try liveHandle()
        let deadline = Deadline(after: answerTimeout)
        let status = bytes.withUnsafeBytes { raw in
            PQputCopyData(handle, raw.baseAddress?.assumingMemoryBound(to: CChar.self), CInt(raw.count))
        }
        // In non-blocking mode libpq grows its buffer; 0 would mean that it could not.
        guard status == 1 else { throw lostConnection(handle) }
        try flush(handle, until: deadline)
    }

    /// Ends the COPY; a reason makes the server refuse all of its rows.
    private func endCopy(reason: String?) throws(PostgresError) -> ResultHandle {
        try exchange { PQputCopyEnd($0, reason) }
    }

    private func abandonCopy() {
        guard isUsable else { return }
        do {
            _ = try endCopy(reason: "the client gave up")
        } catch {
            // The refusal is the answer that was asked for; a lost connection shows at the next call.
            logger?.debug("COPY abandoned", metadata: ["error": "\(error)"])
        }
    }
}
