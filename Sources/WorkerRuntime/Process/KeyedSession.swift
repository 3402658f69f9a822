import Postgres

extension PostgresConfiguration {
    /// For a session whose statements reach their rows by keys: lanes and relays.
    ///
    /// Statements are prepared while a young fleet's tables are empty, and the server keeps a plan that reads the whole
    /// table until the table is analysed, minutes and thousands of rows later. With sequential scans discouraged the
    /// plans use the keys from the beginning. Discouraged means a high price, for which the server would compile a
    /// statement that has no other way: hence no compiling.
    var forKeyedRows: PostgresConfiguration {
        var configuration = self
        configuration.settings["enable_seqscan"] = "off"
        configuration.settings["jit"] = "off"
        return configuration
    }
}
