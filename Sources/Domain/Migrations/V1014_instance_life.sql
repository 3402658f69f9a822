-- The generation with which an instance was made: its row stays when it is deleted, whichever way, and the name may come again.
-- What is older belongs to a former life, to which it is not rolled back. Null where nobody wrote it down: of an instance that
-- was made by a worker of the version before.
alter table instance add column made_generation bigint;
