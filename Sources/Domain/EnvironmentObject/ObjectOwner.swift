import Postgres
import WorkerRuntime

/// Whose a Kubernetes object of an environment's namespace is.
///
/// Of two that wrote the same one, each would undo what the other does, and what is deleted of one would be gone of the
/// other.
struct ObjectOwner: Sendable, Hashable {
    /// The kind of the Kubernetes object.
    let kind: String
    /// Its name.
    let name: String
    /// Whose it is, in a sentence.
    let words: String

    /// What a release of helm is remembered in.
    static let helmPrefix = "sh.helm.release.v1."
    /// What Kubernetes makes in each namespace.
    static let authorities = "kube-root-ca.crt"

    /// Refuses a name whose Kubernetes objects are somebody else's.
    func refusal(of name: String, at field: FieldPath) -> Reason {
        field.reason(
            "name_taken",
            "is \(FieldPath.quoted(name)), and the \(kind) \(FieldPath.quoted(self.name)) is kept for \(words); "
                + "it should be another name"
        )
    }

    /// Refuses something new where one of its Kubernetes objects is somebody else's already.
    ///
    /// What is there under the name counts, so this is not for what exists already. A release without a chart makes a
    /// Service of the instance's name, whatever the cluster was seen to have.
    static func checkFree(
        _ objects: [ObjectReference],
        of concept: ObjectConcept,
        _ name: String,
        in environment: EnvironmentRow,
        _ transaction: borrowing PostgresTransaction
    ) throws {
        let field = FieldPath(concept.field)
        for object in objects {
            if let owner = reserved(object) { throw owner.refusal(of: name, at: field) }
        }
        guard let owner = try find(objects, in: environment, transaction) else { return }
        throw owner.refusal(of: name, at: field)
    }

    /// Refuses a new instance whose Service a network has.
    static func checkFree(
        instance: String,
        in environment: EnvironmentRow,
        _ transaction: borrowing PostgresTransaction
    ) throws {
        let network = try ObjectStore(worker: RequestDesk.worker).find(
            .network,
            instance,
            in: environment.id,
            transaction
        )
        guard let network, network.state != ObjectLife.deleted else { return }
        let owner = ObjectOwner(kind: "Service", name: instance, words: "the network '\(instance)'")
        throw owner.refusal(of: instance, at: FieldPath("instance"))
    }

    /// Refuses a registry's login where an environment of the project has something else in its secret's place.
    static func checkFree(
        registryOf application: String,
        in project: String,
        _ transaction: borrowing PostgresTransaction
    ) throws {
        let name = application + ApplicationCredentials.registrySuffix
        let row = try transaction.query(
            """
            select 'the ' || replace(o.kind, '-', ' ') || ' ''' || o.name || '''', e.environment from environment e
            join environment_object o on o.state <> 'deleted'
                and placed_keys(o.environment_id, o.placed) @> array[e.id::text || '/Secret/' || $2::text]
            where e.project = $1 and e.state <> 'deleted'
            union all
            select 'the instance ''' || r.instance || '''', e.environment from environment e
            join resource r on r.cluster = e.cluster and r.namespace = e.namespace and r.kind = 'Secret' and r.name = $2
            where e.project = $1 and e.state <> 'deleted' and r.instance is not null and not r.gone
            limit 1
            """,
            [.text(project), .text(name)]
        ).first
        guard let row else { return }
        let (owner, environment) = (try row.string(0), try row.string(1))
        throw FieldPath("registry").reason(
            "name_taken",
            "needs the Secret \(FieldPath.quoted(name)), which \(owner) has in the environment "
                + "'\(project)/\(environment)'; that one should be deleted first"
        )
    }

    /// Whose an object is by its name alone, wherever it is; pure.
    static func reserved(_ object: ObjectReference) -> ObjectOwner? {
        switch object.kind {
        case "Secret" where object.name.hasPrefix(helmPrefix):
            ObjectOwner(kind: object.kind, name: object.name, words: "helm")
        case "ConfigMap" where object.name == authorities:
            ObjectOwner(kind: object.kind, name: object.name, words: "Kubernetes")
        default: nil
        }
    }

    /// Each is looked up by its key, whatever else the environment and the project hold; see `V1050_placed_keys`.
    private static func find(
        _ objects: [ObjectReference],
        in environment: EnvironmentRow,
        _ transaction: borrowing PostgresTransaction
    ) throws -> ObjectOwner? {
        let suffix = ApplicationCredentials.registrySuffix
        let row = try transaction.query(
            """
            with wanted as (select * from unnest($1::text[], $2::text[]) w(kind, name))
            select w.kind, w.name, 'the instance ''' || i.instance || '''' from wanted w
            cross join lateral (
                select instance, state from instance where environment_id = $3 and instance = w.name limit 1
            ) i
            where w.kind = 'Service' and i.state <> 'deleted'
            union all
            select w.kind, w.name, 'the instance ''' || r.instance || '''' from wanted w
            cross join lateral (
                select instance, gone from resource
                where cluster = $4 and namespace = $5 and kind = w.kind and name = w.name limit 1
            ) r
            where r.instance is not null and not r.gone
            union all
            select w.kind, w.name, 'the registry of the application ''' || a.application || '''' from wanted w
            cross join lateral (
                select application from application
                where project = $6 and application = left(w.name, -length('\(suffix)')) limit 1
            ) a
            where w.kind = 'Secret' and right(w.name, length('\(suffix)')) = '\(suffix)'
            union all
            select w.kind, w.name, 'the ' || replace(o.kind, '-', ' ') || ' ''' || o.name || '''' from wanted w
            join environment_object o on o.state <> 'deleted'
                and placed_keys(o.environment_id, o.placed) @> array[$3::bigint::text || '/' || w.kind || '/' || w.name]
            limit 1
            """,
            [
                .array(.texts(objects.map(\.kind))), .array(.texts(objects.map(\.name))), .int64(environment.id),
                .text(environment.cluster), .text(environment.namespace), .text(environment.project),
            ]
        ).first
        return try row.map {
            ObjectOwner(kind: try $0.string(0), name: try $0.string(1), words: try $0.string(2))
        }
    }
}
