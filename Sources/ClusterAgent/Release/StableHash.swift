import WorkerRuntime

/// The fleet's hash that is the same in every process.
enum StableHash {
    static func of(_ bytes: some Sequence<UInt8>) -> UInt64 { WorkerRuntime.StableHash.of(bytes) }

    static func of(_ text: String) -> UInt64 { WorkerRuntime.StableHash.of(text) }
}
