;;
; -- only a comment;
create table empty_1 ();; ;
/* ; */;
create table empty_2 ();

-- the end
