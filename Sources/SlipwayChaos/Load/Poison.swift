/// Messages that nobody can or should act on.
enum Poison {
    private static let names = [
        "invalid UTF-8", "no JSON", "deep nesting", "a number too large", "a zero byte in a text", "a member twice",
        "no value", "no headers", "an unknown type", "an unknown version", "no token", "a huge value", "the wrong key",
        "an unsigned agent message", "an unsigned change", "an unreadable release", "other content under a used id",
    ]
    static let kinds = names.count

    /// The message of one kind.
    static func make(_ kind: Int, id: String, random: inout SeededRandom) -> Outgoing {
        let project = random.happens(percent: 30) ? random.pick(LoadPlace.projects) : "poison\(random.number(0...9))"
        var message = Outgoing.request("project.update", key: project, id: id, #"{"project":"\#(project)"}"#)
        message.poison = names[kind]
        switch kind {
        case 0: message.value = [0x7B, 0x22, 0xFF, 0xFE, 0x22, 0x3A, 0x31, 0x7D]
        case 1: message.value = Array("once upon a time".utf8)
        case 2:
            message.value = Array((String(repeating: "[", count: 10_000) + String(repeating: "]", count: 10_000)).utf8)
        case 3: message.value = Array(#"{"project":"\#(project)","name":99999999999999999999999999}"#.utf8)
        case 4: message.value = Array(#"{"project":"\#(project)","name":"a\u0000b"}"#.utf8)
        case 5: message.value = Array(#"{"project":"\#(project)","project":"other"}"#.utf8)
        case 6: message.value = nil
        case 7: message.isBare = true
        case 8: message.type = "slipway.castle.build.v1"
        case 9: message.type = "slipway.project.update.v9"
        case 10: message.headers["authorization"] = "Bearer none"
        case 11:
            message.value = Array(
                (#"{"project":"\#(project)","name":""# + String(repeating: "x", count: 700_000) + #""}"#).utf8
            )
        case 12: message.key = "somewhere/else"
        case 13:
            message = agent("agent.status", "c0", "slipway.agent.heartbeat.v1", id, #"{"boot":"b"}"#, message.poison)
        case 14: message = change(id, message.poison)
        case 15: message = release(id, message.poison)
        default:
            message.id = "s\(id.dropFirst().prefix { $0 != "-" })-1"
            message.value = Array(#"{"project":"\#(project)","name":"another"}"#.utf8)
        }
        return message
    }

    private static func agent(
        _ topic: String,
        _ key: String,
        _ type: String,
        _ id: String,
        _ json: String,
        _ poison: String?
    )
        -> Outgoing
    {
        Outgoing(
            topic: topic,
            key: key,
            type: type,
            source: "/clusters/c0/agent",
            id: id,
            value: Array(json.utf8),
            headers: ["ce_epoch": "1", "ce_sequence": "1"],
            poison: poison
        )
    }

    private static func change(_ id: String, _ poison: String?) -> Outgoing {
        let object = #"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"forged","namespace":"p0-e0","uid":"u"}}"#
        return agent("resource.changes", "c0/p0-e0", "slipway.resource.changed.v1", id, object, poison)
    }

    private static func release(_ id: String, _ poison: String?) -> Outgoing {
        Outgoing(
            topic: "release.events",
            key: "web-p0",
            type: "slipway.release.published.v1",
            source: "/ci",
            id: id,
            value: Array(#"{"artifact":7}"#.utf8),
            poison: poison
        )
    }
}
