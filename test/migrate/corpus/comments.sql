-- a comment; with 'a quote and $$ and /*
/* a comment /* within; a comment */ still; the first */
create table comments_1 (a int /* ; */, b text default '/* no; comment */');
create table comments_2 (a int default 2*/* times */3, b int default 8/-- by
2);
select 1 -- '
+ 1; -- ; "
/**/create/***/table/* /**/ */comments_3(a int);/* */ ; /* ; */
create table comments_4 (a int default 1--1
- -1); comment on table comments_4 is '-- none;';
insert into comments_4 default values --ends with the file;