public import Domain
public import Sealing

/// What a command confides, opened; never printed, and forgotten with the last copy.
public struct OpenedSecrets: Sendable, CustomStringConvertible, CustomReflectable {
    /// What an opened value is for: the end of its binding.
    public struct Place: Sendable, Hashable {
        /// `secret`, `registry-secret` or `chart`.
        public var kind: String
        /// The secret's or the instance's name.
        public var name: String
        /// The key within it.
        public var field: String

        /// Names a place.
        public init(kind: String, name: String, field: String) {
            self.kind = kind
            self.name = name
            self.field = field
        }

        /// A value of a ``SealedSecret``.
        public static func secret(_ name: String, key: String) -> Place {
            Place(kind: "secret", name: name, field: key)
        }

        /// The text of a ``RegistrySecret``.
        public static func registry(_ name: String) -> Place {
            Place(kind: "registry-secret", name: name, field: ".dockerconfigjson")
        }

        /// The credentials for the repository of an instance's chart.
        public static func chart(_ instance: String) -> Place {
            Place(kind: "chart", name: instance, field: "credentials")
        }
    }

    private var values: [Place: SecretBytes] = [:]

    /// Nothing that is confided.
    public init() {}

    /// The value for a place.
    public subscript(place: Place) -> SecretBytes? {
        get { values[place] }
        set { values[place] = newValue }
    }

    /// How many values there are, nothing of them.
    public var description: String { "<\(values.count) secrets>" }
    /// How many values there are, nothing of them.
    public var customMirror: Mirror { Mirror(self, children: ["count": values.count]) }
}

/// Opens what commands confide to one cluster, with the keys that follow from the agent's.
public struct SecretOpener: Sendable {
    private let cluster: String
    private let keys: SealingKeys

    /// Derives the keys.
    ///
    /// - Parameter former: Other keys of a rotation: what was sealed for them opens too.
    public init(cluster: String, key: SigningKey, former: [SigningKey] = []) throws(SealingError) {
        self.cluster = cluster
        keys = try key.sealingKeys(of: cluster, former: former)
    }

    /// Opens everything that a command confides.
    ///
    /// - Throws: A failure that names the first field that does not open, never its value.
    public func open(_ work: ClusterWork) throws(WorkFailure) -> OpenedSecrets {
        var secrets = OpenedSecrets()
        for (place, sealed, field) in Self.sealed(in: work) {
            secrets[place] = try open(sealed, at: place, in: work.subject.namespace, field: field)
        }
        return secrets
    }

    private typealias Sealed = (place: OpenedSecrets.Place, text: String, field: String)

    private static func sealed(in work: ClusterWork) -> [Sealed] {
        switch work {
        case .release(let request):
            let registries = (request.registrySecrets ?? []).map { secret -> Sealed in
                (.registry(secret.name), secret.sealed, "registrySecrets.\(secret.name)")
            }
            let credentials = request.chartCredentials.map { text -> Sealed in
                (.chart(request.instance), text, "chartCredentials")
            }
            return registries + (credentials.map { [$0] } ?? [])
        case .objects(let request):
            return (request.secrets ?? []).flatMap { secret in
                secret.values.sorted { $0.key < $1.key }.map { key, text -> Sealed in
                    (.secret(secret.name, key: key), text, "secrets.\(secret.name).\(key)")
                }
            }
        case .namespace, .namespaceRemoval, .removal, .log: return []
        }
    }

    private func open(
        _ text: String,
        at place: OpenedSecrets.Place,
        in namespace: String,
        field: String
    ) throws(WorkFailure) -> SecretBytes {
        do throws(SealingError) {
            let binding = Binding(cluster, namespace, place.kind, place.name, place.field)
            return try keys.open(try SealedField.parse(text), for: binding)
        } catch {
            throw WorkFailure(code: "cannot_open", message: "The field '\(field)' cannot be opened. \(error.sentence)")
        }
    }
}
