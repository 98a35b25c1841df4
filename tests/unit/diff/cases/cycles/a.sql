create table x (id integer primary key, y integer);
create table y (id integer primary key, x integer references x);
