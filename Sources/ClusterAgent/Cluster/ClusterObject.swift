public import Domain

/// A Kubernetes object as an agent reports it: trimmed to what tells how it is doing and whose it is.
public struct ClusterObject: Sendable, Hashable {
    /// Names an object within a cluster.
    public struct ID: Codable, Sendable, Hashable, Comparable {
        /// The kind, such as `Deployment`.
        public var kind: String
        /// The namespace.
        public var namespace: String
        /// The name within namespace and kind.
        public var name: String

        /// Makes an identity.
        public init(kind: String, namespace: String, name: String) {
            self.kind = kind
            self.namespace = namespace
            self.name = name
        }

        /// Orders by namespace, kind and name.
        public static func < (left: ID, right: ID) -> Bool {
            (left.namespace, left.kind, left.name) < (right.namespace, right.kind, right.name)
        }
    }

    /// What an object belongs to.
    public struct Owner: Sendable, Hashable {
        /// The owner's group and version.
        public var apiVersion: String
        /// The owner's kind.
        public var kind: String
        /// The owner's name.
        public var name: String
        /// The owner's uid.
        public var uid: String
    }

    /// Which object.
    public var id: ID
    /// Its group and version, such as `apps/v1`.
    public var apiVersion: String
    /// Its life: an object that is deleted and made again has another one.
    public var uid: String
    /// The generation of its specification; `nil` for kinds without one.
    public var generation: Int64?
    /// The cluster's version of it: opaque, for people.
    public var resourceVersion: String
    /// Its labels.
    public var labels: [String: String]
    /// Those of its annotations that tell how it is meant, such as that it is a hook.
    public var annotations: [String: String] = [:]
    /// What it belongs to.
    public var owner: Owner?
    /// When it was made: microseconds since 1970.
    public var createdAt: Int64
    /// When its deletion began; `nil` while nobody deletes it.
    public var deletedAt: Int64?
    /// What is wanted; `nil` for kinds whose content is nobody's business, such as secrets.
    public var spec: ObjectValue?
    /// What is the case.
    public var status: ObjectValue?
    /// What else is told of it, such as a secret's type and the names of its keys: never the values of secrets.
    public var content: ObjectValue?
    /// A digest of the fields that were set through Slipway, by which a change by somebody else is seen; never told.
    ///
    /// `nil` where the cluster does not tell whose they are.
    public var owned: String?

    /// The instance it belongs to, from its label.
    public var instance: String? { labels[Label.instance] }

    /// The owner's reference to put on objects that this one makes.
    var asOwner: Owner { Owner(apiVersion: apiVersion, kind: id.kind, name: id.name, uid: uid) }
}

/// The labels and annotations by which objects are recognised.
public enum Label {
    /// The instance, as Slipway names it.
    public static let instance = ObjectLabel.instance
    /// The id of the command that made or changed the object.
    public static let command = ObjectLabel.command
    /// The subject's generation of that command.
    public static let generation = ObjectLabel.generation
    /// The id of the command that decided version and values of a release, on helm's Secret of it.
    public static let deployment = "slipway.io/deployment"
    /// The application that an instance runs.
    public static let application = ObjectLabel.application
    /// The annotation that says what a single object is for, see ``ObjectSubject/mark``.
    ///
    /// Older agents wrote it as a label, which takes 63 characters, fewer than names have.
    public static let object = "slipway.io/object"
    /// The annotation of pod templates whose new value rolls the pods.
    public static let restart = "slipway.io/restart"
    /// The instance, as Helm's charts name it.
    public static let helmInstance = "app.kubernetes.io/instance"
    /// Which template of a Deployment made a ReplicaSet.
    public static let podTemplateHash = "pod-template-hash"
}
