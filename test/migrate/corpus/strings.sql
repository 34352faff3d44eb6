create table strings (id serial, s text);
insert into strings (s) values ('it''s; fine'), ('\'), ('\\'), (''), ('a
b;'), ('a'
  'b;' -- a comment; with a '
  'c');
insert into strings (s) values (E'it\'s; fine'), (e'\\'), (E'a''b;\'' 
  '; goes on'), (E'\x41\u00e9\U0001F600;');
insert into strings (s) values (U&'d\0061t\+000061;'), (u&'d!0061ta;' uescape '!'), (U&'\\;');
insert into strings (s) values (B'01'::text), (X'1F'::text), (N'n;'), (b'1'
'0'::text);
create table U&"d\0061t;a" ("a""b;" int, "c'd" int, "$$" int, "--" int, U&"!!" uescape '!' int);
insert into strings (s) select 'a' as ";" union select 'b' as "'" union select 'c' as """";
