internal import CSimdjson

/// Whether valid JSON holds the escape of U+0000, which PostgreSQL's `jsonb` and `text` refuse.
///
/// Looks at backslashes only. An escaped backslash before `u0000` does not count.
public func containsNulEscape(_ bytes: UnsafeRawBufferPointer) -> Bool {
    sj_has_nul_escape(bytes.baseAddress, bytes.count)
}

/// Whether valid JSON holds the escape of U+0000, which PostgreSQL's `jsonb` and `text` refuse.
public func containsNulEscape(_ bytes: [UInt8]) -> Bool {
    bytes.withUnsafeBytes { containsNulEscape($0) }
}
