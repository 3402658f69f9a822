import Foundation
import Postgres
import Sealing
import WorkerRuntime

/// Takes the passwords of an application's registry and charts from their sender to its row, and from there to a
/// cluster; in between they are encrypted.
struct ApplicationVault: Sendable {
    /// Opens what senders sealed; only the deployment worker has it.
    let sealing: SealingKeys?
    /// Encrypts at rest.
    let keyRing: KeyRing?

    /// What a password is bound to: `registry` or `chart` of one application.
    static func binding(_ project: String, _ application: String, _ part: String) -> Binding {
        Binding(project, "application", application, "\(part).password")
    }

    /// Opens a password that was sealed to the fleet, and encrypts it for its row.
    ///
    /// - Throws: A reason that names the field and never the value.
    func store(_ text: String?, _ project: String, _ application: String, _ part: String) throws -> [UInt8]? {
        guard let text else { return nil }
        let field = "\(part).password"
        guard let sealing, let keyRing else {
            throw Reason(
                code: "sealing_not_set_up",
                sentence: "'\(field)' is refused: this fleet has no keys for confidential values; "
                    + "ask whoever operates Slipway to set them up.",
                field: field
            )
        }
        let binding = Self.binding(project, application, part)
        do throws(SealingError) {
            return try keyRing.encrypt(try sealing.open(try SealedField.parse(text), for: binding), for: binding)
        } catch {
            throw Reason(
                code: error.code.rawValue,
                sentence: "'\(field)' is refused: \(error.sentence)",
                field: field
            )
        }
    }
}

/// How a cluster gets at an application's images and charts: what is sent with a release, sealed for the cluster.
struct ApplicationCredentials: Sendable, Hashable {
    /// The secrets to pull images with.
    var registrySecrets: [RegistrySecret]?
    /// The login of the chart's repository.
    var chartCredentials: String?

    /// Behind the application's name: what the secret is called that its images are pulled with.
    static let registrySuffix = "-registry"

    private struct Login: Encodable {
        let username: String
        let password: String
    }

    /// Reads them from the application's row and seals them.
    ///
    /// The chart's login was given for the application's own repository: no version and no deployment of the past takes it
    /// to another.
    ///
    /// - Parameters:
    ///   - chart: The chart that is deployed.
    ///   - namespace: Where the secrets are made.
    ///   - instance: The release, which the chart's login is bound to.
    /// - Throws: A reason where a password cannot be decrypted.
    static func read(
        _ project: String,
        _ application: String,
        chart: ChartReference?,
        for post: AgentPost,
        namespace: String,
        instance: String,
        keyRing: KeyRing?,
        in transaction: borrowing PostgresTransaction
    ) throws -> ApplicationCredentials {
        var credentials = ApplicationCredentials()
        let row = try transaction.query(
            """
            select registry_server, registry_username, registry_password, chart_username, chart_password,
                chart_repository
            from application where project = $1 and application = $2
                and (registry_password is not null or chart_password is not null)
            """,
            [.text(project), .text(application)]
        ).first
        guard let row else { return credentials }
        let key = try post.fleetKey.sealingPublicKey(cluster: post.cluster, keyID: post.keyID)
        if let server = try row.optionalString(0), let user = try row.optionalString(1),
            let stored = try row.optionalBytes(2)
        {
            let password = try decrypt(stored, project, application, "registry", keyRing)
            let name = application + registrySuffix
            let login = try dockerConfiguration(server, user, password)
            let binding = Binding(post.cluster, namespace, "registry-secret", name, ".dockerconfigjson")
            credentials.registrySecrets = [RegistrySecret(name: name, sealed: try key.seal(login, for: binding).text)]
        }
        let isMeant = ChartAddress.isLogin(for: try row.optionalString(5), meantFor: chart?.repository)
        if isMeant, let user = try row.optionalString(3), let stored = try row.optionalBytes(4) {
            let password = try decrypt(stored, project, application, "chart", keyRing)
            let login = try secret(Login(username: user, password: try text(password)))
            let binding = Binding(post.cluster, namespace, "chart", instance, "credentials")
            credentials.chartCredentials = try key.seal(login, for: binding).text
        }
        return credentials
    }

    private static func decrypt(
        _ stored: [UInt8],
        _ project: String,
        _ application: String,
        _ part: String,
        _ keyRing: KeyRing?
    ) throws -> SecretBytes {
        guard let keyRing else {
            throw Reason(
                code: "sealing_not_set_up",
                sentence: "The \(part) password of the application '\(application)' cannot be decrypted: "
                    + "this fleet has no key ring."
            )
        }
        do throws(SealingError) {
            return try keyRing.decrypt(stored, for: ApplicationVault.binding(project, application, part))
        } catch {
            throw Reason(
                code: "cannot_decrypt",
                sentence: "The \(part) password of the application '\(application)' cannot be decrypted: "
                    + "\(error.sentence)"
            )
        }
    }

    private static func dockerConfiguration(_ server: String, _ user: String, _ password: SecretBytes) throws
        -> SecretBytes
    {
        let password = try text(password)
        let auth = Data("\(user):\(password)".utf8).base64EncodedString()
        return try secret(["auths": [server: ["username": user, "password": password, "auth": auth]]])
    }

    private static func secret(_ value: some Encodable) throws -> SecretBytes {
        SecretBytes(Array(try JSONEncoder.stable.encode(value)))
    }

    private static func text(_ secret: SecretBytes) throws -> String {
        guard let text = secret.text() else {
            throw Reason(code: "cannot_decrypt", sentence: "A password of the application is not a text.")
        }
        return text
    }
}
