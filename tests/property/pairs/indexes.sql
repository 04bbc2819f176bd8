=== articles
CREATE TABLE article (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    slug text NOT NULL, title text, body text, tags text[] DEFAULT '{}', meta jsonb, published timestamptz, author_id integer, place point
);
CREATE INDEX article_author ON article (author_id);
CREATE UNIQUE INDEX article_slug ON article (slug);
CREATE INDEX article_recent ON article (published DESC NULLS LAST) WHERE published IS NOT NULL;
COMMENT ON INDEX article_recent IS 'front page';
--- added
CREATE INDEX article_title ON article (title);
--- dropped
DROP INDEX article_author;
--- renamed
ALTER INDEX article_author RENAME TO idx_article_author_id;
--- another column
DROP INDEX article_author;
CREATE INDEX article_author ON article (author_id, published);
--- the order of its columns
-- old
CREATE INDEX two ON article (author_id, published);
-- new
CREATE INDEX two ON article (published, author_id);
--- made unique
DROP INDEX article_author;
CREATE UNIQUE INDEX article_author ON article (author_id);
--- no longer unique
DROP INDEX article_slug;
CREATE INDEX article_slug ON article (slug);
--- nulls are the same
DROP INDEX article_slug;
CREATE UNIQUE INDEX article_slug ON article (slug) NULLS NOT DISTINCT;
--- another condition
DROP INDEX article_recent;
CREATE INDEX article_recent ON article (published DESC NULLS LAST) WHERE published > '2020-01-01 00:00:00+00';
COMMENT ON INDEX article_recent IS 'front page';
--- without the condition
DROP INDEX article_recent;
CREATE INDEX article_recent ON article (published DESC NULLS LAST);
--- another order of nulls
DROP INDEX article_recent;
CREATE INDEX article_recent ON article (published) WHERE published IS NOT NULL;
--- an expression
CREATE UNIQUE INDEX article_slug_lower ON article (lower(slug));
--- several expressions
CREATE INDEX article_odd ON article ((id % 10), date_trunc('day', published AT TIME ZONE 'UTC'), (meta ->> 'lang') text_pattern_ops);
--- carrying columns
DROP INDEX article_author;
CREATE INDEX article_author ON article (author_id) INCLUDE (title, slug);
--- another operator class
DROP INDEX article_slug;
CREATE UNIQUE INDEX article_slug ON article (slug text_pattern_ops);
--- another collation
DROP INDEX article_slug;
CREATE UNIQUE INDEX article_slug ON article (slug COLLATE "C");
--- gin over an array
CREATE INDEX article_tags ON article USING gin (tags);
--- gin over jsonb with its class
-- old
CREATE INDEX article_meta ON article USING gin (meta);
-- new
CREATE INDEX article_meta ON article USING gin (meta jsonb_path_ops) WITH (fastupdate = off);
--- hash instead of btree
DROP INDEX article_author;
CREATE INDEX article_author ON article USING hash (author_id);
--- brin with options
CREATE INDEX article_brin ON article USING brin (published) WITH (pages_per_range = 16, autosummarize = on);
--- gist
CREATE INDEX article_place ON article USING gist (place);
--- spgist
CREATE INDEX article_place ON article USING spgist (place);
--- a fill factor
ALTER INDEX article_author SET (fillfactor = 60);
--- no deduplication
ALTER INDEX article_author SET (deduplicate_items = off);
--- options of an operator class
-- old
CREATE INDEX b ON article USING brin (author_id int4_minmax_multi_ops);
-- new
CREATE INDEX b ON article USING brin (author_id int4_minmax_multi_ops (values_per_range = 16));
--- statistics of an expression
-- old
CREATE INDEX x ON article (lower(title), (length(body)));
-- new
CREATE INDEX x ON article (lower(title), (length(body)));
ALTER INDEX x ALTER COLUMN 2 SET STATISTICS 400;
--- clustered
ALTER TABLE article CLUSTER ON article_author;
--- clustered by another
-- old
ALTER TABLE article CLUSTER ON article_author;
-- new
ALTER TABLE article CLUSTER ON article_slug;
--- replica identity
ALTER TABLE article REPLICA IDENTITY USING INDEX article_slug;
--- a comment changed
COMMENT ON INDEX article_recent IS 'front page and feed';
COMMENT ON INDEX article_slug IS 'address';
--- trigrams
CREATE EXTENSION pg_trgm;
CREATE INDEX article_search ON article USING gin (title gin_trgm_ops, body gin_trgm_ops);
--- a function under an index
CREATE FUNCTION fold(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT lower(btrim($1)) $$;
CREATE INDEX article_fold ON article (fold(title));
--- another body of a function under an index
-- old
CREATE FUNCTION fold(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT lower($1) $$;
CREATE INDEX article_fold ON article (fold(title));
-- new
CREATE FUNCTION fold(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT upper($1) $$;
CREATE INDEX article_fold ON article (fold(title));
--- all of them gone
DROP INDEX article_author, article_slug, article_recent;
--- names swapped
DROP INDEX article_author, article_slug;
CREATE INDEX article_slug ON article (author_id);
CREATE UNIQUE INDEX article_author ON article (slug);
--- a list of words in the condition
-- old
ALTER TABLE article ADD state varchar(10);
CREATE INDEX article_state ON article (id) WHERE state IN ('draft', 'review');
-- new
ALTER TABLE article ADD state varchar(10);
CREATE INDEX article_state ON article (id) WHERE state IN ('draft', 'review', 'done');
--- the column under an index retyped
ALTER TABLE article ALTER slug TYPE varchar(100);
--- the table renamed with its indexes as they were
ALTER TABLE article RENAME TO post;
