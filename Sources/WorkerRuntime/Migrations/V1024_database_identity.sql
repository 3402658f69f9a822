-- Which database, and which table of it, this row was written into. What is loaded from a dump brings these numbers into a
-- table that has another one, also on the server that the dump was made of. Null: not known yet.
alter table installation add column database_oid bigint;
alter table installation add column table_oid bigint;
update installation set table_oid = 'installation'::regclass::oid::bigint,
    database_oid = (select oid::bigint from pg_database where datname = current_database());
