create table conforming (id serial, s text); set standard_conforming_strings = off;
insert into conforming (s) values ('it\'s; fine'), ('\\'), ('a\'
;'), (E'\\'), (N'\';');
set backslash_quote = off;
insert into conforming (s) values ('a\\'), ('it''s;'); reset backslash_quote; set standard_conforming_strings to on;
insert into conforming (s) values ('\'), ('\\;'); set session standard_conforming_strings TO 'off';
insert into conforming (s) values ('\\;\''); reset all;
insert into conforming (s) values ('\');
