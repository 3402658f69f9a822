import Domain

extension AgentSession {
    /// Tells that a stage of work in hand has begun or ended.
    mutating func sendStage(_ stage: ReleaseStage, of work: ClusterWork, now: Int64) {
        guard running[work.subject]?.work.mark == work.mark else { return }
        say(.progressed(work.mark, stage), now: now)
    }

    /// Tells what a stage wrote, the end of it where it is long.
    mutating func sendOutput(_ output: String, ofStage stage: String, of work: ClusterWork, now: Int64) {
        guard case .release(let namespace, let instance) = work.subject else { return }
        let output = output.withoutNUL
        let kept = output.suffix(bytes: StageOutput.mostBytes)
        let data = StageOutput(
            command: work.mark.command,
            generation: work.mark.generation,
            stage: stage,
            output: kept,
            truncated: kept.utf8.count < output.utf8.count
        )
        sendOutput(
            AgentOutputType.stageOutput,
            in: namespace,
            instance: instance,
            data: AgentStatement.encode(data),
            now: now
        )
    }

    /// Passes a Kubernetes Event on.
    mutating func sendEvent(_ event: KubernetesEvent, now: Int64) {
        var event = event
        event.message = event.message.withoutNUL
        sendOutput(
            AgentOutputType.event,
            in: event.namespace,
            instance: event.instance,
            data: AgentStatement.encode(event),
            now: now
        )
    }

    /// Forgets how many messages the keys of a namespace had that is gone: who has its name later begins anew.
    mutating func forgetOutput(of namespace: String) {
        let key = "\(cluster)/\(namespace)"
        outputSequences = outputSequences.filter { $0.key != key && !$0.key.hasPrefix(key + "/") }
    }

    /// Sends something on `agent.output` under its key's next number.
    private mutating func sendOutput(_ type: String, in namespace: String, instance: String?, data: [UInt8], now: Int64)
    {
        guard let epoch else { return }
        let key = (["\(cluster)", namespace] + (instance.map { [$0] } ?? [])).joined(separator: "/")
        let sequence = (outputSequences[key] ?? 0) + 1
        outputSequences[key] = sequence
        send(
            topic: AgentMessage.output,
            key: key,
            type: type,
            epoch: epoch,
            sequence: sequence,
            instance: instance,
            data: data,
            now: now
        )
    }
}

extension String {
    /// The text with the replacement character for each NUL, which neither JSON's readers nor PostgreSQL take.
    var withoutNUL: String {
        guard utf8.contains(0) else { return self }
        var text = String.UnicodeScalarView()
        text.append(contentsOf: unicodeScalars.lazy.map { $0 == "\0" ? "\u{FFFD}" : $0 })
        return String(text)
    }

    /// The beginning of the text that fits, without half characters.
    func prefix(bytes count: Int) -> String {
        guard utf8.count > count else { return self }
        var bytes = Array(utf8.prefix(max(0, count)))
        while let last = bytes.last, last & 0xC0 == 0x80 { bytes.removeLast() }
        if let last = bytes.last, last >= 0xC0 { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }
}
