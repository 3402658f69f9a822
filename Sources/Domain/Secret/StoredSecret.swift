/// A secret as its row holds it: its values are kept apart, encrypted.
struct StoredSecret: Codable, Sendable, Hashable {
    let type: String
}
