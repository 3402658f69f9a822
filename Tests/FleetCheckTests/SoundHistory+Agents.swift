/// What is said to agents and by them.
extension SoundHistory {
    mutating func change(_ kind: String, _ name: String, _ uid: String, _ epoch: Int64, _ sequence: Int64) {
        add(
            "resource.changes",
            key: "c0/ns",
            id: "\(epoch)-\(sequence)",
            type: "slipway.resource.changed.v1",
            headers: ["ce_epoch": "\(epoch)", "ce_sequence": "\(sequence)"],
            #"{"kind":"\#(kind)","metadata":{"name":"\#(name)","uid":"\#(uid)"}}"#
        )
    }

    mutating func snapshot(_ kind: String, _ epoch: Int64, began: Int64, _ sequence: Int64) {
        add(
            "resource.changes",
            key: "c0/ns",
            id: "\(epoch)-\(sequence)",
            type: "slipway.resource.snapshot_ended.v1",
            headers: ["ce_epoch": "\(epoch)", "ce_sequence": "\(sequence)"],
            #"{"kind":"\#(kind)","began":\#(began),"count":1}"#
        )
    }

    /// Asks the agent to do a command of generation 1.
    mutating func ask(_ command: String) {
        let type = "slipway.agent.release_requested.v1"
        let text = #"{"command":"\#(command)","generation":1}"#
        add("agent.commands.c0", key: "shop/staging", id: "for \(command)", type: type, text)
    }

    /// An agent says who it is, or that it lives.
    mutating func say(_ what: String, boot: String, _ epoch: Int64, _ sequence: Int64) {
        say(what, #"{"boot":"\#(boot)"}"#, epoch, sequence)
    }

    /// An agent tells of a command of generation 1.
    mutating func say(_ what: String, of command: String, _ epoch: Int64, _ sequence: Int64) {
        say(what, #"{"command":"\#(command)","generation":1,"objects":[]}"#, epoch, sequence)
    }

    private mutating func say(_ what: String, _ text: String, _ epoch: Int64, _ sequence: Int64) {
        add(
            "agent.status",
            key: "c0",
            id: "\(epoch)-\(sequence)",
            type: "slipway.agent.\(what).v1",
            headers: ["ce_epoch": "\(epoch)", "ce_sequence": "\(sequence)"],
            text
        )
    }
}
