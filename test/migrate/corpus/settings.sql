create schema elsewhere; set search_path = elsewhere, public; create table settings_1 (a int);
select pg_catalog.set_config('search_path', '', false); create table public.settings_2 (a pg_catalog.text);
set time zone 'UTC'; set datestyle = 'German, DMY'; reset search_path; create table settings_3 as select date '2.1.2020' as d;
create temp table gone (a int); insert into gone values (1); create table settings_4 as select * from gone;
set client_min_messages = error; drop table if exists never; reset all; discard plans;
