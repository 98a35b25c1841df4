create access method gone type table handler heap_tableam_handler;
create table t (a integer);
