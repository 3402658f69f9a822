-- What the runtime keeps beside the domain's state, changed in the same transactions.

-- One row: what this database is. Compared at each start, so that a restored database is noticed.
create table installation (
    only_row boolean primary key default true check (only_row),
    system_identifier text not null,
    timeline int not null,
    outbox_shards int not null,
    -- Raised by a recovery beyond every number that was given out since the back-up.
    numbers_begin bigint not null default 0,
    created_at timestamptz not null default now()
);

-- Others compare revisions, generations and epochs, and hold what is not higher than what they saw for a repetition. So a
-- row that was made after a back-up, and is made again after its restoring, must not count from 1 again: every such
-- counter begins behind numbers_begin(). A new table needs no more than the column's default:
--     revision bigint not null default first_number()
-- (numbers_begin() where the first number is given later). A statement that names a first number itself names
-- first_number() instead of 1. A recovery raises the revision of every row of every table by itself.
-- Not in SQL, in which it would be planned anew by each statement that has it.
create function numbers_begin() returns bigint stable language plpgsql as $$
begin return coalesce((select i.numbers_begin from installation i), 0); end $$;
create function first_number() returns bigint stable language sql as 'select numbers_begin() + 1';

-- The worker processes that live, each with the version of the fleet's messages and stored states that it understands.
create table worker (
    id uuid primary key,
    name text not null,
    host text not null,
    pid int not null,
    -- Its stable name, where it has one.
    instance text,
    version int not null,
    started_at timestamptz not null default clock_timestamp(),
    -- Renewed every few seconds; who has not been seen for longer lives no more.
    seen_at timestamptz not null default clock_timestamp()
);

-- The workers that live.
create view live_worker as select * from worker where seen_at > clock_timestamp() - interval '30 seconds';

-- The version that every living worker understands: what is newer must not be written yet.
create function fleet_version() returns int stable language sql as 'select min(version) from live_worker';

-- Who consumes a partition, up to where it was consumed, and what became of its messages.
create table partition_claim (
    consumer_group text not null,
    topic text not null,
    partition int not null,
    -- Raised by every claim; a batch commits only under the epoch that its lane holds.
    epoch bigint not null default 0,
    -- The offset of the next message to handle. The truth; what Kafka stores is for lag tools.
    next_offset bigint not null,
    owner text,
    owner_pid int,
    owner_started timestamptz,
    claimed_at timestamptz,
    -- The last message handled, to notice a topic that was made anew.
    last_offset bigint,
    last_timestamp bigint,
    incarnation int not null default 1,
    -- The end of the partition when everything before it was handled; it may lie behind next_offset's last message, since
    -- producers' transactions leave marks that are no messages.
    end_reached bigint,
    -- Up to which time the partition was consumed.
    consumed_until timestamptz,
    -- Two or more claims without a commit between them suggest a message that kills its worker.
    claims_without_progress int not null default 0,
    suspect_offset bigint,
    -- consumed = applied + repeated + stale + rejected + dead_lettered + parked
    consumed bigint not null default 0,
    applied bigint not null default 0,
    repeated bigint not null default 0,
    stale bigint not null default 0,
    rejected bigint not null default 0,
    dead_lettered bigint not null default 0,
    parked bigint not null default 0,
    -- parked = still parked + released
    released_applied bigint not null default 0,
    released_repeated bigint not null default 0,
    released_stale bigint not null default 0,
    released_rejected bigint not null default 0,
    released_dead_lettered bigint not null default 0,
    -- Messages that retention took before they were consumed.
    lost_to_retention bigint not null default 0,
    primary key (consumer_group, topic, partition)
) with (fillfactor = 50);

-- The first statement of every batch. Locks the claims in one order and raises SW001 unless this lane still holds
-- each of them at the offset that it goes on from. A statement of its own: what follows sees what the lock waited for.
create function fence(consumer text, topics text[], partitions int[], epochs bigint[], offsets bigint[])
returns timestamptz language plpgsql as $$
declare
    held int;
begin
    select count(*) into held from (
        select 1
        from partition_claim c
        join unnest(topics, partitions, epochs, offsets) as mine(topic, partition, epoch, next_offset)
            on c.topic = mine.topic and c.partition = mine.partition
                and c.epoch = mine.epoch and c.next_offset = mine.next_offset
        where c.consumer_group = consumer
        order by c.topic, c.partition
        for no key update of c
    ) locked;
    if held <> cardinality(topics) then
        raise exception 'fenced: another lane claimed a partition of this batch' using errcode = 'SW001';
    end if;
    return clock_timestamp();
end
$$;

-- Partitions that were added to a topic. A key may move to a new one while messages of it lie in an old one, so a new one
-- is held back until the old ones were read to where they ended when every producer knew the new ones.
create table topic_growth (
    topic text not null,
    -- How many partitions there were, and are: the new ones are numbered from the one to below the other.
    partitions_before int not null,
    partitions_after int not null,
    begun_at timestamptz not null default clock_timestamp(),
    -- The ends of the old partitions, in order; null until they are noted.
    ends bigint[],
    primary key (topic, partitions_before)
);

-- Whether a group must not read a partition yet. One that it has read before is no new one.
create function is_held_back(consumer text, of_topic text, of_partition int) returns boolean stable language sql as $$
    select not exists (
            select from partition_claim c
            where c.consumer_group = consumer and c.topic = of_topic and c.partition = of_partition)
        and exists (
            select from topic_growth g
            where g.topic = of_topic and g.partitions_before <= of_partition and of_partition < g.partitions_after
                and (g.ends is null or exists (
                    select from unnest(g.ends) with ordinality as old(ending, place)
                    left join partition_claim c on c.consumer_group = consumer and c.topic = of_topic
                        and c.partition = old.place - 1
                    where old.ending > coalesce(greatest(c.next_offset, c.end_reached), 0))))
$$;

-- What was seen, so that a repeat is recognised. Purged in chunks, oldest first, later than any lane takes a message.
create table inbox (
    id uuid primary key,
    digest bytea not null,
    answer bytea,
    seen_at timestamptz not null
);
create index inbox_seen_at on inbox (seen_at);

-- A key whose head message failed; later messages of the key wait behind it, other keys go on.
create table parked_key (
    consumer_group text not null,
    topic text not null,
    key bytea not null,
    -- The partition of the head message: the lane that owns it tries again.
    partition int not null,
    due timestamptz not null,
    attempt int not null,
    messages int not null,
    bytes bigint not null,
    reason_code text not null,
    reason text not null,
    parked_at timestamptz not null,
    -- How many messages from the head on an operator has given up.
    dropped int not null default 0,
    primary key (consumer_group, topic, key)
);
create index parked_key_due on parked_key (due);

create table parked_message (
    id bigint generated always as identity primary key,
    consumer_group text not null,
    topic text not null,
    key bytea not null,
    partition int not null,
    message_offset bigint not null,
    timestamp_kind smallint not null,
    timestamp_ms bigint not null,
    headers bytea not null,
    value bytea,
    parked_at timestamptz not null,
    foreign key (consumer_group, topic, key) references parked_key
);
create index parked_message_key on parked_message (consumer_group, topic, key, id);

-- Up to which time a group has handled the messages of a key: as far as its partition was consumed (all of the topic's
-- where it is not known), but not past a message of the key that is parked, nor past the moment from which messages may
-- lie in new partitions that are held back. Null where nobody knows.
create function handled_until(consumer text, of_topic text, of_partition int, of_key text)
returns timestamptz stable language sql as $$
    select case when min(c.consumed_until) is not null then least(
        min(c.consumed_until),
        (select k.parked_at from parked_key k
            where k.consumer_group = consumer and k.topic = of_topic and k.key = convert_to(of_key, 'UTF8')),
        (select min(g.begun_at) from topic_growth g
            where g.topic = of_topic and exists (
                select from generate_series(g.partitions_before, g.partitions_after - 1) number
                where is_held_back(consumer, of_topic, number)))) end
    from partition_claim c
    where c.consumer_group = consumer and c.topic = of_topic and (of_partition is null or c.partition = of_partition)
$$;

-- What is to be published, in the order of ids within a shard. A row holds messages of one transaction, as many as fit a
-- page, since what a row costs hardly depends on its size.
create table outbox (
    id bigint generated always as identity,
    shard int not null,
    messages int not null check (messages > 0),
    -- The messages in their order; outbox_message shows them.
    content bytea not null,
    created_at timestamptz not null default clock_timestamp(),
    -- The only index: a row is found by its shard, in the order of its ids.
    primary key (shard, id)
) with (toast_tuple_target = 8160, autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 2000);

-- The messages of a row: of each a byte of flags (1: only the newest of its key need leave, 2: it has a value), the lengths
-- of topic, key, headers and value as four bytes each, and their bytes.
create function outbox_messages(content bytea)
returns table (place int, topic text, key bytea, headers bytea, value bytea, coalesces boolean)
immutable language plpgsql as $$
declare
    -- Where the message's lengths begin, and where its next part does, from 1.
    start int;
    part int := 1;
    flags int;
    lengths int[];
begin
    place := 0;
    while part <= length(content) loop
        place := place + 1;
        flags := get_byte(content, part - 1);
        start := part;
        lengths := array(
            select ('x' || encode(substring(content from start + 1 + 4 * number for 4), 'hex'))::bit(32)::int
            from generate_series(0, 3) number order by number);
        part := start + 17;
        topic := convert_from(substring(content from part for lengths[1]), 'UTF8');
        part := part + lengths[1];
        key := substring(content from part for lengths[2]);
        part := part + lengths[2];
        headers := substring(content from part for lengths[3]);
        part := part + lengths[3];
        value := case when flags & 2 > 0 then substring(content from part for lengths[4]) end;
        part := part + lengths[4];
        coalesces := flags & 1 > 0;
        return next;
    end loop;
end
$$;

-- The messages that wait to be published, for people.
create view outbox_message as
select o.id, o.shard, m.place, m.topic, m.key, m.headers, m.value, m.coalesces, o.created_at
from outbox o cross join lateral outbox_messages(o.content) m;

-- Who publishes a shard, by the database's clock.
create table outbox_lease (
    shard int primary key,
    owner text,
    epoch bigint not null default 0,
    lease_until timestamptz not null default '-infinity',
    -- The transactional id of the producer that may still hold rows of the shard: the next owner has the broker refuse it.
    producer text
);

-- The relays that live, so that each takes its share of the shards.
create table outbox_relay (
    owner text primary key,
    seen_at timestamptz not null
);

-- Keys of compacted topics whose newest state is to be published again, because an older one may be the log's last word.
create table outbox_republish (
    topic text not null,
    key bytea not null,
    primary key (topic, key)
);

-- What the broker will not take, whatever is tried.
create table outbox_failed (
    id bigint generated always as identity primary key,
    topic text not null,
    key bytea not null,
    headers bytea not null,
    value bytea,
    reason_code text not null,
    reason text not null,
    failed_at timestamptz not null default now()
);
