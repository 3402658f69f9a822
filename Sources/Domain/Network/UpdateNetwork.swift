import Postgres
import WorkerRuntime

/// `slipway.network.update.v1`: a network as it is to be from now on, whole.
struct UpdateNetwork: ObjectRequest {
    static let name = "network.update"
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
        try ObjectChanger(act, self).edit(in: transaction) { known in
            let siblings = ObjectSiblings(known.environment)
            try siblings.surroundings(ofNetwork: network, wanted, in: transaction).check(wanted)
            try siblings.use(ofNetwork: network, in: transaction).checkKeepsPorts(wanted, of: network)
            return try ObjectContent(wanted)
        }
    }
}
