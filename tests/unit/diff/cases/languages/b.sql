create trusted language mylang handler plpgsql_call_handler inline plpgsql_inline_handler;
create language comes handler plpgsql_call_handler; comment on language comes is 'x'; grant usage on language mylang to oracle_a;
create function f() returns void language mylang as 'begin end';
