-- Whether another object speaks for what is stored of a Job or pod, so that nobody takes its JSON apart to add up an instance.
-- Null where a worker of a version before wrote the row, or where nothing is stored.
alter table resource add column apart boolean;
