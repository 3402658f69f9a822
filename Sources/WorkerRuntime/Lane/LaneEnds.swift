import Kafka
import Logging
import Postgres

/// What a lane says of partitions that it has read to their ends: up to when they are consumed, so that silence counts.
///
/// It must not say so of a time in which it could read nothing. librdkafka tells of an end once, and a fetch may hang for
/// long behind it without any error. So the leaders are asked where the partitions end from which nothing more came, on the
/// connections on which they answer fetches, and where they do not answer nothing is said. Nobody waits for their answers.
extension Lane {
    /// How long leaders may take for an answer, beyond the wait of a fetch.
    private static var patience: Duration { .seconds(4) }

    /// Notes that a partition's end was reached.
    func noteEnd(_ position: KafkaPosition) {
        let partition = position.topicPartition.partition
        guard fullQueues[partition] == nil, claims[partition] != nil else { return }
        claims[partition]?.endReached = position.offset
        silentEnds.answered(partition)
    }

    /// Asks the leaders where partitions end from which nothing more came.
    ///
    /// Where an answer is awaited nobody is asked again.
    func askForEnds() throws {
        var others = Set(hand.map(\.partition))
        for question in endQuestions { others.formUnion(question.resting.claims.keys) }
        let resting = claims.filter { partition, claim in
            claim.endReached != nil && fullQueues[partition] == nil && !others.contains(partition)
        }
        let due = silentEnds.due(resting.keys, at: .now)
        guard !due.isEmpty else { return }
        // Read first: what is written later than this does not count.
        let asked = try claimStore.now(on: connection)
        // Those that did not answer would take the time of those that do.
        let answering = due.prefix { !silentEnds.contains($0) }
        for group in [answering, due[answering.endIndex...]] where !group.isEmpty {
            let chosen = Set(group)
            endQuestions.append(
                EndQuestion(
                    resting: RestingPartitions(asked: asked, claims: resting.filter { chosen.contains($0.key) }),
                    question: try consumer.askForEnds(of: group.map(topicPartition), timeout: Self.patience)
                )
            )
        }
    }

    /// Says which partitions are consumed up to when, as soon as their leaders have said where they end.
    ///
    /// What has another claim by now is claimed again.
    func noteConsumed() throws {
        guard !endQuestions.isEmpty else { return }
        let consumed = try takeAnswers()
        guard !consumed.isEmpty else { return }
        let lost: [Int32]
        do {
            lost = try claimStore.note(consumed, on: connection)
        } catch {
            return try recover(from: error)
        }
        guard !lost.isEmpty else { return }
        // Where nothing comes there is no batch to be fenced: as after an operator has set a position.
        logger.warning(
            "another lane or an operator claimed partitions at rest; claiming again",
            metadata: [LogKey.partitions: "\(lost)"]
        )
        try reclaim(lost)
    }

    /// What follows from the answers that have come; the others are awaited.
    private func takeAnswers() throws -> [ConsumedPartition] {
        var awaited: [EndQuestion] = []
        var consumed: [ConsumedPartition] = []
        for asked in endQuestions {
            guard let answer = asked.question.answer else {
                awaited.append(asked)
                continue
            }
            consumed += asked.resting.consumed(
                upTo: try ends(of: asked.resting, in: answer),
                standing: claims,
                besides: Set(hand.map(\.partition))
            )
        }
        endQuestions = awaited
        return consumed
    }

    /// Where partitions end, as their leaders say; those that do not say so rest before they are asked again.
    private func ends(
        of resting: RestingPartitions,
        in answer: Result<[KafkaTopicPartition: Int64], KafkaError>
    ) throws -> [Int32: Int64] {
        var ends: [Int32: Int64] = [:]
        switch answer {
        case .success(let found): for (place, end) in found { ends[place.partition] = end }
        case .failure(let error):
            if error.isFatal { throw error }
            logger.debug("whether partitions have ended is asked later: \(error)")
        }
        for partition in resting.claims.keys where claims[partition] != nil {
            if ends[partition] == nil {
                silentEnds.failed(partition, at: .now)
            } else {
                silentEnds.answered(partition)
            }
        }
        return ends
    }
}

/// A question where partitions end, on its way to their leaders.
struct EndQuestion {
    let resting: RestingPartitions
    let question: KafkaEndsQuestion
}
