create table lonely_1 (id int, name text); insert into lonely_1 select g, 'n' || g from generate_series(1, 100) g;
create index concurrently lonely_id on lonely_1 (id); /* ; */ create unique index concurrently on lonely_1 (name);
vacuum (analyze) lonely_1; reindex table concurrently lonely_1;
copy lonely_1 from stdin;
101	n101
\.
create procedure lonely_p() language plpgsql as $$ begin insert into lonely_1 values (102); commit; insert into lonely_1 values (103); rollback; end $$;
call lonely_p(); drop index concurrently lonely_id;
create table lonely_2 (a int) partition by list (a); create table lonely_3 partition of lonely_2 for values in (1);
alter table lonely_2 detach partition lonely_3 concurrently
