create table copy_1 (id int, name text); create table copy_2 ("from" int, "stdin" text default 'd');
COPY copy_1 (id, name) FROM stdin;
1	a;'b
2	\N
3	-- /* $$ "
4	:text :'text' \\ \t \\.
\.


copy public.copy_1 from STDIN with (format csv, header, delimiter ';', null '-', quote '"'); -- data below; 'quoted
id;name
5;"a ""quoted"" one
in two lines;"
6;-
\.
copy copy_2 ("from") from stdin csv; /* ; */
7
\.
copy copy_2 from stdin;
\.
copy copy_1
  from /* the client; */ stdin
  where id > 8
;
8	left out
9	put in
\.
create table copy_3 as select * from copy_1; copy copy_1 from stdout;
10	the same to the server
\.
select 1 from (select 1 as stdin) as stdin; insert into copy_1 values (11, 'x')
