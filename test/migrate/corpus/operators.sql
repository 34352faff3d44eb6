create function op(a int, b int default 2) returns int language sql immutable as 'select a - b';
create operator @-  (function = op, leftarg = int, rightarg = int);
create operator <=>! (function = op, leftarg = int, rightarg = int);
create table operators as select op(a := 1, b := 5), op(b => 1, a => 3) as named, 5 @-2 as minus, 5 <=>! 1 as odd,
  '1'::int::text as twice, (array[1, 2, 3])[1:2] as slice, (array[1, 2, 3])[:2] as lower, '{"a": 1}'::jsonb ? 'a' as has,
  '{"a": [1]}'::jsonb #> '{a,0}' as path, 2*3%5 as math, 1 as ":text", interval '1' day as day, -  -1 as plus, 1.5e-1 as e, .5 as half;
create index on operators ((op % 2)) where op <> 0;
select 1 as a, b.* from (values (1), (2)) b(c) where c between 1 and 2 order by 1 limit 1;
