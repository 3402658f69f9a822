import Postgres

extension PostgresConfiguration {
    /// For a session whose statements reach their rows by keys: lanes and relays.
    ///
    /// Statements are prepared while a young fleet's tables are empty, and the server keeps a plan that reads the whole
    /// table until the table is analysed, minutes and thousands of rows later. With sequential scans discouraged, and
    /// pages of an index as cheap as the next page, which they are in memory, the plans use the keys from the beginning.
    /// Discouraged means a high price, for which the server would compile a statement that has no other way: hence no
    /// compiling. A plan that reaches rows by keys is the same whatever the keys are: it is made once, where the server
    /// would otherwise plan some statements anew each time.
    package var forKeyedRows: PostgresConfiguration {
        var configuration = self
        configuration.settings["enable_seqscan"] = "off"
        configuration.settings["jit"] = "off"
        configuration.settings["random_page_cost"] = "1.1"
        configuration.settings["plan_cache_mode"] = "force_generic_plan"
        return configuration
    }
}
