public import Sealing
public import WorkerRuntime

extension KeyRing {
    /// Reads the file of `SLIPWAY_KEY_RING`; `nil` where it is not set.
    public static func load(_ settings: Settings) throws(StartError) -> KeyRing? {
        guard let path = settings.text("KEY_RING") else { return nil }
        do throws(SealingError) {
            return try load(path)
        } catch {
            throw StartError("SLIPWAY_KEY_RING: \(error.sentence)")
        }
    }
}

extension SealingKeys {
    /// Reads the file of `SLIPWAY_SEALING_KEYS`; `nil` where it is not set.
    public static func load(_ settings: Settings) throws(StartError) -> SealingKeys? {
        guard let path = settings.text("SEALING_KEYS") else { return nil }
        do throws(SealingError) {
            return try load(path, of: .fleet)
        } catch {
            throw StartError("SLIPWAY_SEALING_KEYS: \(error.sentence)")
        }
    }
}
