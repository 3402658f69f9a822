-- Up to which time a group has handled the messages of a key: as far as its partition was consumed (all of the topic's
-- where it is not known), but not past a message of the key that is parked, nor past what was consumed of the newer
-- partitions to which the key may have moved since the topic grew: all whose number leaves its partition's when divided by
-- how many there were. Of one that was never claimed that is the moment in which it was added. Null where nobody knows.
create or replace function handled_until(consumer text, of_topic text, of_partition int, of_key text)
returns timestamptz stable language sql as $$
    select case when min(c.consumed_until) is not null then least(
        min(c.consumed_until),
        (select k.parked_at from parked_key k
            where k.consumer_group = consumer and k.topic = of_topic and k.key = convert_to(of_key, 'UTF8')),
        (select min(coalesce(n.consumed_until, added.begun_at))
            from topic_growth added
            cross join lateral generate_series(added.partitions_before, added.partitions_after - 1) number
            left join partition_claim n
                on n.consumer_group = consumer and n.topic = of_topic and n.partition = number
            where added.topic = of_topic and (of_partition is null or exists (
                select from topic_growth g
                where g.topic = of_topic and of_partition < g.partitions_before and g.partitions_before <= number
                    and number % g.partitions_before = of_partition)))) end
    from partition_claim c
    where c.consumer_group = consumer and c.topic = of_topic and (of_partition is null or c.partition = of_partition)
$$;
