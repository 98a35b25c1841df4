create table p (a integer primary key, b integer, c integer unique);
create table c (a integer, b integer, r int4range, n integer,
  constraint c_fk foreign key (a) references p (a) on delete cascade on update set null deferrable initially deferred,
  constraint c_new foreign key (b) references p (c) match full,
  constraint c_check check (a > 1),
  constraint c_ex exclude using gist (r with &&) where (a > 3) deferrable);
alter table c add constraint c_nv check (n > 5);
alter table c add constraint c_nv2 check (n < 50) not valid;
alter table c add constraint c_ni check (n < 51) no inherit;
create table d (a integer, constraint d_u unique nulls not distinct (a) deferrable);
create table pk (a integer not null, b integer, constraint pk_p primary key (a, b), constraint pk_u unique (a) include (b));
create table uses (x integer references pk (a));
comment on constraint c_check on c is 'more than one; "quoted" ''it''''s''';
