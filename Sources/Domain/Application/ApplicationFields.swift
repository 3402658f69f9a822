import Sealing
import WorkerRuntime

/// Where an application's chart is, and how to get it, as requests say it.
struct ApplicationChart: Decodable, Sendable {
    let repository: String?
    let name: String
    let username: String?
    /// Sealed to the fleet.
    let password: String?

    /// - Parameter isErasable: Whether an empty name takes the chart away.
    func check(isErasable: Bool) throws(Reason) {
        if isErasable, name.isEmpty, repository == nil, username == nil, password == nil { return }
        try FieldRules.text(name, "chart.name")
        try FieldRules.text(repository, "chart.repository", limit: 500)
        try FieldRules.withoutPassword(name, "chart.name")
        try FieldRules.withoutPassword(repository, "chart.repository")
        try FieldRules.login(username: username, password: password, "chart")
        guard password == nil || repository != nil else {
            throw Reason(
                code: "missing_field",
                sentence: "'chart.repository' is missing; a login is told to this repository and what lies under it.",
                field: "chart.repository"
            )
        }
    }
}

/// Where an application's images are, if they are not public, as requests say it.
struct ApplicationRegistry: Decodable, Sendable {
    let server: String
    let username: String?
    /// Sealed to the fleet.
    let password: String?

    /// - Parameter isErasable: Whether an empty server takes the registry away.
    func check(isErasable: Bool) throws(Reason) {
        if isErasable, server.isEmpty, username == nil, password == nil { return }
        try FieldRules.withoutPassword(server, "registry.server")
        let isPlain = !server.unicodeScalars.contains { $0.value < 33 || $0.value > 126 }
        guard isPlain, (1...253).contains(server.utf8.count) else {
            throw Reason(
                code: "invalid_field",
                sentence: "'registry.server' should be the registry's host, such as 'registry.example:5000'.",
                field: "registry.server"
            )
        }
        try FieldRules.login(username: username, password: password, "registry")
        guard username != nil else {
            throw Reason(
                code: "missing_field",
                sentence: "'registry.username' is missing; a registry without a login needs no secret.",
                field: "registry.username"
            )
        }
    }
}

extension FieldRules {
    /// A login: both or neither, and the password sealed.
    static func login(username: String?, password: String?, _ field: String) throws(Reason) {
        try text(username, "\(field).username")
        guard (username == nil) == (password == nil) else {
            let missing = username == nil ? "username" : "password"
            throw Reason(
                code: "missing_field",
                sentence: "'\(field).\(missing)' is missing; a login needs 'username' and 'password'.",
                field: "\(field).\(missing)"
            )
        }
        if let password { _ = try sealed(password, "\(field).password") }
    }

    /// An address, which everybody may read: no password stands in it, nor what is left of one that did.
    static func withoutPassword(_ text: String?, _ field: String) throws(Reason) {
        guard let text, text == ClearText.mark || ClearText.holdsPassword(text) else { return }
        throw Reason(
            code: "password_in_address",
            sentence: "'\(field)' holds a password, which everybody could read; it should be an address without one: "
                + "a login is given with the application, sealed.",
            field: field
        )
    }

    /// A confidential value: it must not stand in clear.
    static func sealed(_ text: String, _ field: String) throws(Reason) -> SealedField {
        do throws(SealingError) {
            return try SealedField.parse(text)
        } catch {
            throw Reason(
                code: error.code.rawValue,
                sentence: "'\(field)' is refused: \(error.sentence)",
                field: field
            )
        }
    }
}
