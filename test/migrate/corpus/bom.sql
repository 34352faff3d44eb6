create table bom (a int); -- ü
insert into bom values (1);
