-- By how many microseconds an agent's clock is ahead of this database's, at least: the largest difference between when a
-- heartbeat was made, by the agent's clock, and when it was handled, by this one. One that waited on its way only seems to
-- come from a clock that is behind, so the largest of an hour counts. And since when that is looked at. Null where no worker
-- of this version has followed the agent.
alter table cluster
    add column clock_ahead_us bigint,
    add column clock_since timestamptz;
