create text search dictionary d1 (template = simple, stopwords = german); create text search dictionary comes (template = snowball, language = english);
create text search configuration c1 (copy = pg_catalog.english); alter text search configuration c1 alter mapping for word with d1, english_stem; alter text search configuration c1 drop mapping for email; 
create text search configuration comes (parser = default); alter text search configuration comes add mapping for asciiword with comes;
create text search template t2 (init = dsimple_init, lexize = dsimple_lexize);
create text search parser p2 (start = prsd_start, gettoken = prsd_nexttoken, end = prsd_end, lextypes = prsd_lextype, headline = prsd_headline);
create table t (a text); create index t_a on t using gin (to_tsvector('c1', a));
comment on text search configuration c1 is 'two'; comment on text search dictionary d1 is 'dd';
