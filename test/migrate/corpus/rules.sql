create table rules_1 (a int); create table rules_2 (a int);
create rule also_ as on insert to rules_1 do also (insert into rules_2 values (new.a); update rules_2 set a = a + 1;; delete from rules_2 where a = 5);
insert into rules_1 values (1), (4); create rule not_ as on delete to rules_1 do instead nothing;
create view rules_3 as select * from rules_1; create rule one as on insert to rules_3 do instead (insert into rules_1 values (new.a));
insert into rules_3 values (7);
