create table größe (ünïcödé int, "😀;" int, 名前 text); insert into größe values (1, 2, '值;');
create table "select;" (";" int, "from" int, "''" text); insert into "select;" values (1, 2, 'a');
create table a b (c  int); insert into a b values (3); create table ​c ();
