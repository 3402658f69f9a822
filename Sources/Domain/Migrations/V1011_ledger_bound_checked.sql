-- Reads the whole ledger, and keeps nobody from writing meanwhile.
alter table command_step validate constraint command_step_ends;
