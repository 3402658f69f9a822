public import WorkerRuntime

extension FleetKey {
    /// Reads `SLIPWAY_FLEET_KEY`.
    public init(_ settings: Settings) throws(StartError) {
        let text = try settings.required(
            "FLEET_KEY",
            meaning: "32 random bytes in base64, such as 'openssl rand -base64 32' prints"
        )
        self = try FleetKey(base64: text)
    }
}
