-- The fence looks each claim up by its key, in one order for everybody: a join could as well read all claims of the group,
-- of which there may be a thousand, for a batch of two.
create or replace function fence(consumer text, topics text[], partitions int[], epochs bigint[], offsets bigint[])
returns timestamptz language plpgsql as $$
declare
    held int;
begin
    select count(*) into held
    from (
        select * from unnest(topics, partitions, epochs, offsets) as one(topic, partition, epoch, next_offset)
        order by topic, partition
    ) mine
    cross join lateral (
        select 1
        from partition_claim c
        where c.consumer_group = consumer and c.topic = mine.topic and c.partition = mine.partition
            and c.epoch = mine.epoch and c.next_offset = mine.next_offset
        for no key update of c
    ) locked;
    if held <> cardinality(topics) then
        raise exception 'fenced: another lane claimed a partition of this batch' using errcode = 'SW001';
    end if;
    return clock_timestamp();
end
$$;
