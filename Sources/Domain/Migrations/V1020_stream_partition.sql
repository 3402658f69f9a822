-- The partition of resource.changes in which the stream's newest message lay: whether everything was read that was told of a
-- namespace's objects is seen there. Null where nobody wrote it down: then all partitions count.
alter table resource_stream add column partition int;
