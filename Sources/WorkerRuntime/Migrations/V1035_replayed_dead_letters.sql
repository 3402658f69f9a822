-- Which dead letters were sent in again, by where the message first lay and when it came: what fails once more is another
-- dead letter, with a place of its own, so that the next replay does not send it twice.
create table replayed_dead_letter (
    topic text not null,
    partition int not null,
    message_offset bigint not null,
    timestamp_ms bigint not null,
    replayed_at timestamptz not null default clock_timestamp(),
    primary key (topic, partition, message_offset, timestamp_ms)
);
