/// Names of tables, columns and channels as they stand in SQL.
enum PostgresIdentifier {
    /// The name in double quotes.
    static func quote(_ name: String) -> String {
        "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }

    /// A table name, with its schema in front if it holds a dot.
    static func quoteTable(_ name: String) -> String {
        name.split(separator: ".", maxSplits: 1).map { quote(String($0)) }.joined(separator: ".")
    }
}
