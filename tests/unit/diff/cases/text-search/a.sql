create text search dictionary d1 (template = simple, stopwords = english); create text search dictionary gone (template = simple);
create text search configuration c1 (copy = pg_catalog.english); create text search configuration gone (parser = default);
create text search template t1 (lexize = dsimple_lexize);
create text search parser p1 (start = prsd_start, gettoken = prsd_nexttoken, end = prsd_end, lextypes = prsd_lextype);
create table t (a text); create index t_a on t using gin (to_tsvector('c1', a));
comment on text search configuration c1 is 'one';
