create table t (a integer, b text, c varchar(10) not null default 'x', gone date, k numeric(10,2));
create table goes (a integer primary key);
insert into t values (1, '17', 'y', '2020-01-01', 3);
