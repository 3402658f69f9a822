import Postgres
import WorkerRuntime

/// `slipway.network.delete.v1`: takes a network away, unless a domain leads to it.
struct DeleteNetwork: ObjectRequest {
    static let name = "network.delete"
    static let concept = ObjectConcept.network

    let project: String
    let environment: String
    let network: String
    /// Whether to do so although domains lead to it; they lead nowhere then.
    let force: Bool?
    let timeoutSeconds: Int?

    var object: String { network }

    func check() throws(Reason) { try checkNames() }

    func perform(_ act: RequestAct, in transaction: borrowing PostgresTransaction) throws {
        try ObjectChanger(act, self).delete(in: transaction) { known in
            guard force != true else { return }
            let use = try ObjectSiblings(known.environment).use(ofNetwork: network, in: transaction)
            try use.checkUnused(network: network)
        }
    }
}
