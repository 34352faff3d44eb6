-- made elsewhere;
create table crlf (a int, b text);
insert into crlf values (1, 'two
lines;'); -- behind
copy crlf (a, b) from stdin;
2	a;
3	\N
\.
create function crlf_f() returns text language plpgsql as $$
begin
  return 'a
b;';
end
$$;

insert into crlf values (4, E'\'
;');
