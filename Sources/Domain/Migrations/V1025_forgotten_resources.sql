-- The highest revision of an object of the stream whose row is forgotten: what is seen again begins behind it, so that nobody
-- takes it for what he has seen already.
alter table resource_stream add column forgotten_revision bigint not null default 0;

-- What the end of a snapshot looks at, however much was there once. None of its columns changes while an object is there, so
-- updates within a page go on as before; an object that comes or goes writes one more entry.
create index resource_there on resource (cluster, namespace, kind) where not gone;
