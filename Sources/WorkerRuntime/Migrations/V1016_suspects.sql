-- In how many lives of lanes, each with an epoch of its own, the suspected message was taken in hand.
alter table partition_claim add column suspect_lives int not null default 0;
alter table partition_claim add column suspect_epoch bigint;

-- How many lanes have begun with the head message of the key, and neither finished it nor put it off.
alter table parked_key add column begun int not null default 0;
