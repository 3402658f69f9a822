/// What is wrong with a topic as it is, compared with what the fleet needs.
public enum TopicComparison {
    /// A sentence for each difference that matters.
    ///
    /// More partitions and copies than wanted are fine, and so is a longer retention: nothing is lost by it.
    ///
    /// - Parameters:
    ///   - name: The topic's real name.
    ///   - partitions: How many it has; `nil` where there is no such topic.
    ///   - copies: How many brokers keep one.
    ///   - properties: Its properties; `nil` where the broker does not tell them, and then they are not compared.
    public static func faults(
        _ name: String,
        wanted: (partitions: Int, copies: Int, properties: [String: String]),
        partitions: Int?,
        copies: Int = .max,
        properties: [String: String]?
    ) -> [String] {
        guard let partitions else { return ["\(name) is missing; 'slipway topics apply\(flag(name))' makes it"] }
        var faults: [String] = []
        if partitions < wanted.partitions {
            faults.append(
                "\(name) has \(partitions) partitions; the fleet expects \(wanted.partitions) ('slipway topics grow' adds some)"
            )
        }
        if copies < wanted.copies {
            faults.append(
                "\(name) is kept by \(copies) of \(wanted.copies) brokers; Kafka's kafka-reassign-partitions gives it more"
            )
        }
        guard let properties else { return faults }
        for (property, value) in wanted.properties.sorted(by: { $0.key < $1.key }) {
            let found = properties[property]
            guard found != value, !isLonger(found, than: value, property) else { continue }
            faults.append("\(name) has \(property)=\(found ?? "(not set)"); the fleet needs \(value)\(why(property))")
        }
        return faults
    }

    /// A sentence about a topic that the broker does not show.
    ///
    /// - Parameters:
    ///   - isForbidden: Whether that is for want of a right.
    ///   - code: What the broker said.
    public static func hidden(_ name: String, isForbidden: Bool, _ code: String) -> String {
        isForbidden
            ? "\(name) may not be seen by this principal (\(code)), so nobody can say whether it is there: "
                + "give it DESCRIBE and DESCRIBE_CONFIGS"
            : "\(name) cannot be looked at: the broker says \(code)"
    }

    /// What `slipway topics apply` must be told to make a topic that belongs to a cluster.
    private static func flag(_ name: String) -> String {
        name.firstRange(of: Topics.agentCommands("").name).map { " --cluster \(name[$0.upperBound...])" } ?? ""
    }

    private static func isLonger(_ found: String?, than wanted: String, _ property: String) -> Bool {
        if property == "min.insync.replicas" { return (found.flatMap { Int($0) } ?? 0) >= (Int(wanted) ?? 0) }
        guard property == "retention.ms", let found = found.flatMap({ Int64($0) }), let wanted = Int64(wanted)
        else { return false }
        return found < 0 || found >= wanted
    }

    private static func why(_ property: String) -> String {
        switch property {
        case "message.timestamp.type":
            ": the broker's clock says when a token had to be valid, when an agent spoke, and up to when it was read"
        case "cleanup.policy": ": who subscribes later finds the newest state of each key"
        case "unclean.leader.election.enable": ": a broker that lacks messages must not become the leader"
        case "min.insync.replicas": ": what one broker alone has is lost with it"
        case "retention.ms": ": what a restored database has not seen is read again"
        default: ""
        }
    }
}
