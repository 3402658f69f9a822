extension Verification {
    /// What was consumed, against what became of it.
    static let messageRules: [Rule] = [
        Rule(
            "every message that was consumed has one outcome",
            """
            select consumer_group || ' ' || topic || ' ' || partition,
                'consumed ' || consumed || ', outcomes '
                    || applied + repeated + stale + rejected + dead_lettered + parked
            from partition_claim
            where consumed <> applied + repeated + stale + rejected + dead_lettered + parked
            """
        ),
        Rule(
            "every message that was parked waits or was released",
            """
            select c.consumer_group || ' ' || c.topic || ' ' || c.partition,
                'parked ' || c.parked || ', waiting ' || count(m.*) || ', released ' || released
            from (
                select *, released_applied + released_repeated + released_stale + released_rejected
                    + released_dead_lettered as released
                from partition_claim
            ) c left join parked_message m on m.consumer_group = c.consumer_group and m.topic = c.topic
                and m.partition = c.partition
            group by c.consumer_group, c.topic, c.partition, c.parked, c.released
            having c.parked <> count(m.*) + c.released
            """
        ),
        Rule(
            "a key that waits counts its messages",
            """
            select k.consumer_group || ' ' || k.topic || ' ' || encode(k.key, 'escape'),
                'it counts ' || k.messages || ' and has ' || count(m.*)
            from parked_key k left join parked_message m
                on m.consumer_group = k.consumer_group and m.topic = k.topic and m.key = k.key
            group by k.consumer_group, k.topic, k.key, k.messages having k.messages <> count(m.*) or k.messages = 0
            """
        ),
    ]
}
