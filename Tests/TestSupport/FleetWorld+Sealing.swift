import Foundation

extension FleetWorld {
    /// Makes the fleet's private keys and the key ring, with the command line.
    public func makeSealingKeys() throws {
        environment["SLIPWAY_SEALING_KEYS"] = folder + "/sealing-keys.json"
        environment["SLIPWAY_KEY_RING"] = folder + "/key-ring.json"
        for keys in ["sealing-keys", "key-ring"] { _ = try said("slipway", [keys, "add"]) }
    }

    /// Seals a value to the fleet's key, as a sender does.
    ///
    /// - Parameter object: `project/environment/kind/name`.
    public func seal(_ value: String, for object: String, _ field: String) throws -> String {
        let file = "\(folder)/value-\(UUID().uuidString)"
        try value.write(toFile: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: file) }
        return try said("slipway", ["seal", object, field, "--key", said("slipway", ["sealing-keys", "show"])], file)
    }

    /// What a program printed that ended well.
    public func said(_ program: String, _ arguments: [String], _ input: String? = nil) throws -> String {
        let process = try start(program, arguments, input: input)
        guard try process.exitCode() == 0 else {
            throw NotSeen(description: "exit code 0 of \(program) \(arguments.first ?? ""): \(process.output)")
        }
        return process.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
