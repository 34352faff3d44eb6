create table :"table" (id int default :number, t text default :'text', "a:number" int);
insert into :"table" default values; insert into :"table" (t) values (':text :number'), ($$:'text'$$), (:'text' || ':text'), (E':number\':number');
create table app_:name (a_:name int /* :'text' */); -- :"table"
insert into app_:name select ((array[1, 2, 3, 4])[2:4])[1] + :negative - :number::int;
create function variables() returns text language sql begin atomic select :'text'; end;
create view variables_v as select '12:30'::time as t, 10 + :negative as n;
comment on view variables_v is :'back'; create table variables_w (a text default :'empty');
