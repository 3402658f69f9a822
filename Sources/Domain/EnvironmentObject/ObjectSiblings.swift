import Foundation
import Postgres
import WorkerRuntime

/// Reads of what else an environment holds that which the rules for one object look at, by keys.
///
/// Whoever changes what an environment holds has its row locked, so what is read here stays as it is until the commit.
struct ObjectSiblings {
    private let environment: EnvironmentRow
    private let store = ObjectStore(worker: RequestDesk.worker)

    init(_ environment: EnvironmentRow) {
        self.environment = environment
    }

    /// What a network has to get along with: what it leads to, and who has its node ports or addresses.
    func surroundings(
        ofNetwork name: String,
        _ wanted: NetworkSpec,
        in transaction: borrowing PostgresTransaction
    ) throws -> NetworkSurroundings {
        let nodePorts = wanted.ports.compactMap(\.nodePort).map { "node-port/\($0)" }
        let claims = nodePorts + (wanted.externalIPs ?? []).map { "external-ip/\($0)" }
        var others: [String: [NetworkSpec]] = [:]
        for network in try store.all(claiming: claims, in: environment.id, transaction) where network.name != name {
            others[network.name] = try network.decodeBoth(NetworkSpec.self)
        }
        return NetworkSurroundings(
            instances: try instances(named: wanted.target.instances ?? [], in: transaction),
            applications: try applications(named: wanted.target.application, in: transaction),
            others: others
        )
    }

    /// What a domain has to get along with; it can lead to nothing that is on its way out.
    ///
    /// A certificate that is being renewed serves as what it was for as long as that holds.
    func surroundings(
        ofDomain name: String,
        _ wanted: DomainSpec,
        now: Int64,
        in transaction: borrowing PostgresTransaction
    ) throws -> DomainSurroundings {
        var surroundings = DomainSurroundings()
        let names = Set(wanted.paths.map(\.network)).sorted()
        let networks = try store.all(.network, named: names, in: environment.id, transaction)
        for network in networks where !network.isDeleting {
            surroundings.networks[network.name] = try JSONDecoder().decode(
                NetworkSpec.self,
                from: Data(network.base.spec)
            )
        }
        let claims = ["host/\(wanted.host)"]
        for domain in try store.all(claiming: claims, in: environment.id, transaction) where domain.name != name {
            surroundings.others[domain.name] = try domain.decodeBoth(DomainSpec.self)
        }
        let served = wanted.certificate.map { [$0] } ?? []
        for certificate in try store.all(.certificate, named: served, in: environment.id, transaction) {
            guard let state = CertificateState(rawValue: certificate.state) else { continue }
            let former = certificate.running == nil ? nil : certificate.validity
            surroundings.certificates[certificate.name] = .init(
                domains: try certificate.decodeBoth(StoredCertificate.self).map(\.domains),
                state: state == .applying ? former?.state(at: now) ?? state : state
            )
        }
        return surroundings
    }

    /// What the domains need that lead to a network; those on their way out need nothing.
    func use(ofNetwork name: String, in transaction: borrowing PostgresTransaction) throws -> DomainUse {
        try use(of: "network/\(name)", in: transaction)
    }

    /// What the domains need that are served with a certificate; those on their way out need nothing.
    func use(ofCertificate name: String, in transaction: borrowing PostgresTransaction) throws -> DomainUse {
        try use(of: "certificate/\(name)", in: transaction)
    }

    private func use(of claim: String, in transaction: borrowing PostgresTransaction) throws -> DomainUse {
        var use = DomainUse(domains: [:])
        for domain in try store.all(claiming: [claim], in: environment.id, transaction) where !domain.isDeleting {
            use.domains[domain.name] = try domain.decodeBoth(DomainSpec.self)
        }
        return use
    }

    /// Those of the instances that are there, and not on their way out.
    private func instances(named names: [String], in transaction: borrowing PostgresTransaction) throws -> Set<String> {
        guard !names.isEmpty else { return [] }
        let rows = try transaction.query(
            """
            select i.instance from unnest($2::text[]) as wanted(one)
            cross join lateral (
                select instance, state, open_command from instance
                where environment_id = $1 and instance = wanted.one limit 1
            ) i
            left join lateral (select operation from command where id = i.open_command limit 1) c on true
            where i.state <> 'deleted' and c.operation is distinct from $3
            """,
            [.int64(environment.id), .array(.texts(names)), .text(DeleteInstance.name)]
        )
        var found: Set<String> = []
        for row in rows { found.insert(try row.string(0)) }
        return found
    }

    private func applications(
        named name: String?,
        in transaction: borrowing PostgresTransaction
    ) throws -> Set<String> {
        guard let name else { return [] }
        let isKnown = try !transaction.query(
            "select 1 from application where project = $1 and application = $2",
            [.text(environment.project), .text(name)]
        ).isEmpty
        return isKnown ? [name] : []
    }
}

extension EnvironmentObject {
    fileprivate var isDeleting: Bool { state == ObjectState.deleting.rawValue }
}
