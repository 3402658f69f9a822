-- V1053 has an index that does all that this one did and more. With both, the server takes either.
drop index command_object;
