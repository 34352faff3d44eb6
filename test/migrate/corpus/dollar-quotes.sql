create function dollar_1() returns text language sql as $$ select 'a;b'; $$;
create function dollar_2(a int) returns text language plpgsql as $body$
begin
  execute $q$ select $$ ; $$ $q$;
  -- it's; $a$
  return $x$;$x$ || $1;
end
$body$;
create table a$b$c (d$ int, e$$ int); insert into a$b$c values (1, 2);
create function dollar_3(int, int) returns int language sql as $_$ select $1+$2; $_$;
create function dollar_4() returns text language sql as $größe_1$ select '$groesse$;$größe$'; $größe_1$;
do $$ begin create table dollar_5 (a text default $a$;$a$); end $$;
do language plpgsql $do$ declare t text := $$;$$; begin perform t; end; $do$;
create table dollar_6 as select $$$$ as empty, $a$$a$ as also, $a$$ $b$ $a$ as odd;
prepare dollar_7(int) as select $1; execute dollar_7(1);
