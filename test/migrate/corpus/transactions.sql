begin; create table transactions_1 (a int); savepoint s; insert into transactions_1 values (1); rollback to s; commit;
start transaction; insert into transactions_1 values (2); abort; begin work; insert into transactions_1 values (3); end;
insert into transactions_1 values (4); begin; copy transactions_1 from stdin;
5
\.
commit and chain; insert into transactions_1 values (6); rollback and no chain;
insert into transactions_1 select case when a > 3 then 7 end from transactions_1
