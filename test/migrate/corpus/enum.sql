create type mood as enum ('sad;', 'ok'); alter type mood add value 'happy' before 'ok';
create table enums (m mood default 'happy'); insert into enums values ('happy'), (default);
