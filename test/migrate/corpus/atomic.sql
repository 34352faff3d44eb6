create function atomic_1(a int) returns int language sql return a + 1;
create function atomic_2(a int) returns int language sql begin atomic select a; select a + 1; end;
create or replace procedure atomic_3(a int) language sql
BEGIN ATOMIC
  select case when a > 1 then case a when 2 then 'b;' end else 'c' end; /* end; */
  select a as "end", a as "case"; -- end;
END;
create table atomic_4 (id int, "end" int, "case" int, atomic int, begin_ int);
create function atomic_5() returns setof int language sql begin atomic;
  insert into atomic_4 values (1, 2, 3, 4, 5);
  select t."end" + t."case" from atomic_4 t;
end; create function atomic_6() returns void begin atomic end;
create function "atomic;7"(begin_ int, out atomic int) language sql begin atomic select $1; end
