-- How often the transaction in which the head message was tried failed for what may not be the message's fault: it lost
-- against another one, or its session was cut. Beside `attempt`, so that none of the message's own tries is used up.
alter table parked_key add column failures int not null default 0;
