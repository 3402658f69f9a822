-- By how many microseconds a worker's clock is ahead of this database's, and how far that may be off: half of the round trip
-- of the statement that asked. Null where only workers of a version before have told of themselves.
alter table worker
    add column clock_ahead_us bigint,
    add column clock_unsure_us bigint;
