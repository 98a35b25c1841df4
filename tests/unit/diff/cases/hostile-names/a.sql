create schema "a b""c;--"; create schema "select";
create table "a b""c;--"."t'; drop table x; --" ("from" integer, "col""umn; --" text, "ünï" text);
create type "select"."e'num" as enum ('a''; drop schema "select" cascade; --', E'new\nline', '*/ /*', '$$');
comment on table "a b""c;--"."t'; drop table x; --" is E'*/ \n; drop table y; -- it''s \\';
create table "sixty-three-bytes-sixty-three-bytes-sixty-three-bytes-sixty-thr" (a integer);
create function "a b""c;--"."f$$"("x y" text) returns text language sql as $body$ select '$function$ ' || "x y" $body$;
grant select on "a b""c;--"."t'; drop table x; --" to "hos""tile; --";
create view "select"."v; --" as select "from" as "a; b" from "a b""c;--"."t'; drop table x; --";
