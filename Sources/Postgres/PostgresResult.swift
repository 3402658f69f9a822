import CPq

/// The rows a statement returned, in binary form.
///
/// The rows live as long as any result or row that refers to them.
public struct PostgresResult: RandomAccessCollection, Sendable {
    let handle: ResultHandle

    /// The index of the first row.
    public var startIndex: Int { 0 }
    /// The number of rows.
    public var endIndex: Int { handle.rowCount }
    /// The names of the columns.
    public var columnNames: [String] {
        (0..<handle.columnCount).map { column in
            PQfname(handle.pointer, CInt(column)).map { String(cString: $0) } ?? ""
        }
    }
    /// The number of rows that the statement inserted, updated, deleted, selected or copied.
    public var affected: Int {
        PQcmdTuples(handle.pointer).flatMap { Int(String(cString: $0)) } ?? 0
    }

    /// The row at a position.
    public subscript(row: Int) -> PostgresRow {
        precondition(row >= 0 && row < handle.rowCount, "the result has no such row")
        return PostgresRow(handle: handle, index: CInt(row))
    }

    /// The only row of the result.
    ///
    /// - Throws: ``PostgresError`` of the kind `decoding` if the result holds no row or several.
    public func only() throws(PostgresError) -> PostgresRow {
        guard count == 1 else {
            throw PostgresError(kind: .decoding, message: "one row was expected, \(count) came")
        }
        return self[0]
    }
}

/// The owner of a `PGresult`.
///
/// Sendable because libpq never changes a result after it was made, so that any thread may read it (libpq manual,
/// "Behavior in Threaded Programs"), and the reference count decides alone when it is freed.
final class ResultHandle: @unchecked Sendable {
    let pointer: OpaquePointer
    let rowCount: Int
    let columnCount: Int

    init(_ pointer: OpaquePointer) {
        self.pointer = pointer
        rowCount = Int(PQntuples(pointer))
        columnCount = Int(PQnfields(pointer))
    }

    deinit {
        PQclear(pointer)
    }

    var status: ExecStatusType { PQresultStatus(pointer) }

    /// The command tag, such as `COMMIT` or `INSERT 0 1`.
    var commandTag: String { PQcmdStatus(pointer).map { String(cString: $0) } ?? "" }
}
