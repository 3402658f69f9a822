import Foundation
import Postgres
import WorkerRuntime

/// Reads what else an environment holds, for the rules that look at it.
///
/// Whoever changes what an environment holds has its row locked, so what is read here stays as it is until the commit.
struct ObjectSiblings: Sendable {
    private let networks: [EnvironmentObject]
    private let domains: [EnvironmentObject]
    private let certificates: [EnvironmentObject]
    private let instances: Set<String>
    private let applications: Set<String>

    init(_ environment: EnvironmentRow, in transaction: borrowing PostgresTransaction) throws {
        let store = ObjectStore(worker: RequestDesk.worker)
        networks = try store.all(.network, in: environment.id, transaction)
        domains = try store.all(.domain, in: environment.id, transaction)
        certificates = try store.all(.certificate, in: environment.id, transaction)
        var instances: Set<String> = []
        let rows = try transaction.query(
            "select instance from instance where environment_id = $1 and state not in ('deleting', 'deleted')",
            [.int64(environment.id)]
        )
        for row in rows { instances.insert(try row.string(0)) }
        self.instances = instances
        var applications: Set<String> = []
        let known = try transaction.query(
            "select application from application where project = $1",
            [.text(environment.project)]
        )
        for row in known { applications.insert(try row.string(0)) }
        self.applications = applications
    }

    /// What a network has to get along with.
    func surroundings(ofNetwork name: String) throws -> NetworkSurroundings {
        var others: [String: [NetworkSpec]] = [:]
        for network in networks where network.name != name {
            others[network.name] = try network.decodeBoth(NetworkSpec.self)
        }
        return NetworkSurroundings(instances: instances, applications: applications, others: others)
    }

    /// What a domain has to get along with; it can lead to nothing that is on its way out.
    ///
    /// A certificate that is being renewed serves as what it was for as long as that holds.
    func surroundings(ofDomain name: String, now: Int64) throws -> DomainSurroundings {
        var surroundings = DomainSurroundings()
        for network in networks where !network.isDeleting {
            surroundings.networks[network.name] = try JSONDecoder().decode(
                NetworkSpec.self,
                from: Data(network.base.spec)
            )
        }
        for domain in domains where domain.name != name {
            surroundings.others[domain.name] = try domain.decodeBoth(DomainSpec.self)
        }
        for certificate in certificates {
            guard let state = CertificateState(rawValue: certificate.state) else { continue }
            let former = certificate.running == nil ? nil : certificate.validity
            surroundings.certificates[certificate.name] = .init(
                domains: try certificate.decodeBoth(StoredCertificate.self).map(\.domains),
                state: state == .applying ? former?.state(at: now) ?? state : state
            )
        }
        return surroundings
    }

    /// What the domains need; those on their way out need nothing.
    var use: DomainUse {
        get throws {
            var use = DomainUse(domains: [:])
            for domain in domains where !domain.isDeleting {
                use.domains[domain.name] = try domain.decodeBoth(DomainSpec.self)
            }
            return use
        }
    }
}

extension EnvironmentObject {
    fileprivate var isDeleting: Bool { state == ObjectState.deleting.rawValue }
}
