import ArgumentParser
import Domain
import Kafka
import WorkerRuntime

/// Looks whether the brokers' access control lists let the fleet's programs do what they must.
struct AccessDoctor {
    let needs: [AccessNeed]
    /// The real names of topics whose writers need no token.
    let trusted: [String]
    /// Who programs are to the brokers, by the programs' names.
    let principals: [String: String]

    init(_ settings: Settings, clusters: [String], principals: [String: String]) throws {
        let names = try TrustedTopic.all(settings).map(\.name)
        let prefix = settings.topicPrefix
        needs = Topics.access(
            clusters: clusters,
            trusted: names,
            prefix: prefix,
            isTransactional: try settings.truth("RELAY_TRANSACTIONS", default: true)
        )
        trusted = names.map { prefix + $0 }
        self.principals = principals
    }

    func findings(_ admin: KafkaAdmin, timeout: Duration) -> [Finding] {
        do throws(KafkaError) {
            return compare(try admin.describeAccess(timeout: timeout))
        } catch {
            switch error.code {
            case .securityDisabled:
                let says = "the brokers have no authoriser: who reaches them may do everything\(open)"
                return [Finding("acls", .warning, says)]
            case .clusterAuthorizationFailed:
                let says = "this principal may not read them (DESCRIBE on the cluster), so they were not compared"
                return [Finding("acls", .warning, says)]
            default:
                return [Finding("acls", .warning, "the broker does not tell them (\(error)); not compared")]
            }
        }
    }

    private var open: String {
        trusted.isEmpty ? "" : ", also write requests without a token to \(trusted.joined(separator: ", "))"
    }

    private func compare(_ entries: [KafkaAccessEntry]) -> [Finding] {
        guard !entries.isEmpty else {
            // Librdkafka 2.0.2 gives an empty list where the broker answers with an error.
            let says = """
                the brokers tell of no entry: this principal may not read them (DESCRIBE on the cluster), or there is no \
                authoriser and who reaches the brokers may do everything\(open); not compared
                """
            return [Finding("acls", .warning, says)]
        }
        let comparison = AccessComparison(entries, principals: principals)
        var findings = comparison.faults(needs).map { fault in
            Finding(
                "acls",
                fault.isCertain ? .wrong : .warning,
                fault.says + (fault.isCertain ? "" : "; only super users may (--principal says who it is)")
            )
        }
        for topic in trusted {
            let writers = comparison.writers(of: topic)
            guard writers.contains("User:*") else { continue }
            findings.append(Finding("acls", .wrong, "everybody may write to \(topic), whose requests need no token"))
        }
        if findings.isEmpty { findings.append(Finding("acls", .right, "let every program do what it must")) }
        return findings
    }
}

/// Who programs are to the brokers, as flags name them.
struct PrincipalOptions: ParsableArguments {
    private static let workers = [
        "release-worker", "deployment-worker", "agent-worker", "resource-worker", "outbox-relay",
    ]

    @Option(
        help: """
            Who a program is to the brokers, as <program>=<principal>, such as outbox-relay=User:relay; 'workers' are all of \
            them, an agent is named by its cluster. May be repeated.
            """
    )
    var principal: [String] = []

    /// The principals by program.
    ///
    /// - Throws: One sentence about the first that cannot be.
    func all(clusters: [String]) throws -> [String: String] {
        let known = Self.workers + clusters
        return try principal.reduce(into: [:]) { principals, text in
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, parts[1].contains(":"), parts[0] == "workers" || known.contains(parts[0]) else {
                throw ValidationError(
                    "'--principal \(text)' should be a program and its principal, such as workers=User:slipway; "
                        + "programs are workers, \(known.joined(separator: ", ")), and agents, by the clusters that "
                        + "'--cluster' names."
                )
            }
            // One that is named is not meant by 'workers', whatever the order.
            guard parts[0] == "workers" else { return principals[parts[0]] = parts[1] }
            for worker in Self.workers where principals[worker] == nil { principals[worker] = parts[1] }
        }
    }
}
