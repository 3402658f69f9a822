import Postgres
import WorkerRuntime

/// `slipway.network.create.v1`: how instances are reached, a Service.
struct CreateNetwork: ObjectRequest {
    static let name = "network.create"
    static let concept = ObjectConcept.network

    let project: String
    let environment: String
    let network: String
    let type: NetworkType?
    let target: NetworkTarget
    let ports: [NetworkPort]
    let externalIPs: [String]?
    let annotations: [String: String]?
    let timeoutSeconds: Int?

    var object: String { network }
    private var spec: NetworkSpec {
        NetworkSpec(type: type, target: target, ports: ports, externalIPs: externalIPs, annotations: annotations)
    }

    func check() throws(Reason) {
        try checkNames()
        _ = try spec.checked()
    }

    func perform(_ act: RequestAct, in transaction: borrowing PostgresTransaction) throws {
        let wanted = try spec.checked()
        try ObjectChanger(act, self).create(in: transaction) { known in
            let siblings = ObjectSiblings(known.environment)
            try siblings.surroundings(ofNetwork: network, wanted, in: transaction).check(wanted)
            return try ObjectContent(wanted)
        }
    }
}
