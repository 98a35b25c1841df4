create table t (a serial primary key, b text unique); create view v as select * from t;
