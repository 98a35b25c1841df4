create table p (a integer primary key, b integer unique, c integer);
create table c (a integer, b integer, r int4range, n integer,
  constraint c_fk foreign key (a) references p (a),
  constraint c_gone foreign key (b) references p (b),
  constraint c_check check (a > 0),
  constraint c_rename check (b > 0),
  constraint c_ex exclude using gist (r with &&));
alter table c add constraint c_nv check (n > 5) not valid;
create table d (a integer, constraint d_u unique (a));
create table pk (a integer, b integer, constraint pk_p primary key (a));
create table uses (x integer references pk (a));
comment on constraint c_check on c is 'positive';
