-- Duplicates: what is found, near ones, the report; what merging keeps, points elsewhere, refuses and takes back.
BEGIN;
SELECT plan(47);

CREATE ROLE tap_owner NOLOGIN;
CREATE ROLE tap_member IN ROLE tap_owner, asymm_operator;
CREATE ROLE tap_other IN ROLE asymm_operator;
CREATE SCHEMA d AUTHORIZATION tap_owner;
SET ROLE tap_owner;
CREATE TYPE d.size AS ENUM ('small', 'large');
CREATE TABLE d.part (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text, price numeric(10, 2), weight float8, tags text[], doc jsonb, size d.size,
    made timestamptz NOT NULL DEFAULT now(), shout text GENERATED ALWAYS AS (name || '!') STORED, "Odd ""one""" int REFERENCES d.part,
    UNIQUE (id, name));
CREATE TABLE d.line (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, part_id int REFERENCES d.part ON DELETE CASCADE, note text);
CREATE TABLE d.only_once (part_id int PRIMARY KEY REFERENCES d.part ON DELETE SET NULL, note text);
CREATE TABLE d."Link, 'x'" (part_id int, tag text, name text, PRIMARY KEY (part_id, tag),
    FOREIGN KEY (part_id, name) REFERENCES d.part (id, name) DEFERRABLE INITIALLY DEFERRED);
CREATE INDEX ON d.line (part_id);
INSERT INTO d.part (name, price, weight, tags, doc, size, made)
SELECT 'p' || n % 10, 1.50, (CASE n % 3 WHEN 1 THEN '-0' ELSE '0' END)::float8, E'{"a\\\\b",NULL}', '{"a": 1.0}', 'small',
       '2024-01-01'::timestamptz + n * interval '1 day' FROM generate_series(1, 30) AS n;
UPDATE d.part SET doc = '{"a": 1}' WHERE id > 20;
INSERT INTO d.part (name, "Odd ""one""") VALUES ('child', 1), ('other child', 11);
INSERT INTO d.line (part_id) SELECT n FROM generate_series(1, 30) AS n;
INSERT INTO d.only_once VALUES (1), (12), (3), (13);
INSERT INTO d."Link, 'x'" VALUES (1, 'x', 'p1'), (11, 'y', 'p1'), (14, 'z', 'p4'), (7, 'x', 'p7'), (17, 'x', 'p7');
CREATE TABLE d.plain (a int, b text);
INSERT INTO d.plain SELECT n % 5, E'x\\''' FROM generate_series(1, 50) AS n;
CREATE TABLE d.said (code text PRIMARY KEY, name text);
INSERT INTO d.said VALUES ('a', 'Same'), ('b', 'Same');
CREATE VIEW d.seen AS SELECT * FROM d.plain;
CREATE TABLE d.named (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text, city text);
INSERT INTO d.named (name, city) VALUES ('Müller GmbH', 'Köln'), ('MÜLLER,  gmbh.', 'Köln'), ('Acme Incorporated', 'Boston'),
    ('Incorporated Acme', 'Boston'), ('Something else', 'Rome'), (NULL, NULL);
RESET ROLE;
CREATE TABLE part_before AS SELECT id, name, price, weight, tags, doc, size, made, "Odd ""one""" FROM d.part;
CREATE TABLE line_before AS SELECT * FROM d.line;
CREATE TABLE once_before AS SELECT * FROM d.only_once;
CREATE TABLE link_before AS SELECT * FROM d."Link, 'x'";
CREATE FUNCTION changed() RETURNS bigint LANGUAGE sql AS $$
    SELECT (SELECT count(*) FROM (TABLE part_before EXCEPT SELECT id, name, price, weight, tags, doc, size, made, "Odd ""one""" FROM d.part) AS x)
         + (SELECT count(*) FROM (TABLE line_before EXCEPT TABLE d.line) AS x)
         + (SELECT count(*) FROM (TABLE once_before EXCEPT TABLE d.only_once) AS x)
         + (SELECT count(*) FROM (TABLE link_before EXCEPT TABLE d."Link, 'x'") AS x) + (SELECT abs(count(*) - 32) FROM d.part)
$$;

-- Found.
SELECT results_eq($$SELECT rows, count(*) FROM asymm.find_duplicates('d.part', ignore => '{made}') GROUP BY 1$$, 'VALUES (3::bigint, 10::bigint)',
                  'by content, key and generated column left out');
SELECT is((SELECT count(*) FROM asymm.find_duplicates('d.part')), 0::bigint, 'times of their own tell rows apart');
SELECT is((SELECT array_agg(rows) FROM asymm.find_duplicates('d.plain')), ARRAY[10, 10, 10, 10, 10]::bigint[], 'a table without a key');
SELECT is((SELECT count(*) FROM asymm.find_duplicates('d.plain') AS f JOIN d.plain AS t
             ON t.ctid = (f.sample_keys #>> '{0,place}')::tid AND f.sample_keys #>> '{0,part}' = 'd.plain'), 5::bigint, 'its rows are told by place');
SELECT is((SELECT array_agg(rows) FROM asymm.find_duplicates('d.seen', '{a}', most => 2)), ARRAY[10, 10]::bigint[], 'a view; so many at most');
SELECT throws_ok($$SELECT asymm.find_duplicates('d.said')$$, '22023', NULL, 'a key that says something is no duplicate');
SELECT is((SELECT rows FROM asymm.find_duplicates('d.said', ignore => '{code}')), 2::bigint, 'unless it is to be ignored');
SELECT throws_ok($$SELECT asymm.find_duplicates(NULL)$$, '22004', NULL, 'no table');
SELECT throws_ok($$SELECT asymm.find_duplicates('d.plain', '{no}')$$, '42703', NULL, 'no such column');
SELECT results_eq($$SELECT rule, first FROM asymm.find_near_duplicates('d.named', '{name,city}')$$, $$VALUES ('normalised', 'müller gmbh köln')$$,
                  'near: case, marks and blanks do not count');
SET LOCAL client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
SELECT results_eq($$SELECT rule, first FROM asymm.find_near_duplicates('d.named', '{name,city}')$$,
                  $$VALUES ('trigram', 'acme incorporated boston'), ('normalised', 'müller gmbh köln')$$, 'nearer still with trigrams');
SELECT throws_ok($$SELECT asymm.find_near_duplicates('d.named', '{name}', threshold => 2)$$, '22023', NULL, 'no such similarity');
SELECT results_eq($$SELECT object, rows, duplicates, groups, largest, explosion FROM asymm.duplicate_report('d') WHERE duplicates > 0$$,
                  $$VALUES ('d.plain', 50::bigint, 45::bigint, 5::bigint, 10::bigint, 10::float8)$$, 'the report');
SELECT is((SELECT note FROM asymm.duplicate_report('d', 10) WHERE object = 'd.said') IS NOT NULL, true, 'and what is not counted');

-- Merged by a member of the owner.
SET SESSION AUTHORIZATION tap_member;
SELECT results_eq($$SELECT groups, removed, repointed, skipped FROM asymm.merge_duplicates('d.part', ignore => '{made}', dry_run => true)$$,
                  'VALUES (8::bigint, 16::bigint, 20::bigint, 2::bigint)', 'a dry run tells what there is to do');
RESET SESSION AUTHORIZATION;
SELECT is(changed(), 0::bigint, 'and does nothing');
SET SESSION AUTHORIZATION tap_other;
SELECT throws_ok($$SELECT asymm.merge_duplicates('d.part', ignore => '{made}')$$, '42501', NULL, 'strangers may not');
SET SESSION AUTHORIZATION tap_member;
SELECT results_eq($$SELECT action > 0, groups, removed, repointed, skipped, cardinality(notes)
                      FROM asymm.merge_duplicates('d.part', ignore => '{made}')$$,
                  'VALUES (true, 8::bigint, 16::bigint, 20::bigint, 2::bigint, 2)', 'merged, but where a row may be referred to once');
SELECT is((SELECT array_agg(id ORDER BY id) FROM d.part), '{1,2,3,4,5,6,7,8,9,10,13,17,23,27,31,32}'::int[], 'the oldest are kept');
SELECT is((SELECT array_agg(DISTINCT part_id) FROM d.line WHERE id IN (1, 11, 21)), '{1}'::int[], 'references go to them');
SELECT is((SELECT array_agg(part_id || tag ORDER BY tag) FROM d."Link, 'x'" WHERE part_id < 7), '{1x,1y,4z}'::text[], 'by two columns');
SELECT is((SELECT array_agg("Odd ""one""" ORDER BY id) FROM d.part WHERE id > 30), '{1,1}'::int[], 'of the table itself');
SELECT results_eq($$SELECT kind, state, target FROM asymm.actions$$, $$VALUES ('merge', 'verified', 'd.part')$$, 'it stands in the ledger');
SELECT results_eq($$SELECT state FROM asymm.revert((SELECT max(id) FROM asymm.actions), dry_run => true)$$, $$VALUES ('planned')$$, 'shown before');
SELECT results_eq($$SELECT state FROM asymm.revert((SELECT max(id) FROM asymm.actions))$$, $$VALUES ('reverted')$$, 'taken back');
RESET SESSION AUTHORIZATION;
SELECT is(changed(), 0::bigint, 'with every row and every reference');
SELECT is((SELECT count(*) FROM asymm.recycled_row) + (SELECT count(*) FROM asymm.repointed_row), 0::bigint, 'nothing is kept aside then');
SET SESSION AUTHORIZATION tap_member;
SELECT throws_ok($$SELECT asymm.revert((SELECT max(id) FROM asymm.actions))$$, 'SY005', NULL, 'once');
SELECT results_eq($$SELECT groups, removed, skipped FROM asymm.merge_duplicates('d.part', 'newest', ignore => '{made}', most_groups => 3)$$,
                  'VALUES (3::bigint, 6::bigint, 2::bigint)', 'the newest, some at a time');
SELECT is((SELECT count(*) FROM d.part WHERE id BETWEEN 21 AND 30), 10::bigint, 'are kept');
INSERT INTO d.part (id, name) OVERRIDING SYSTEM VALUE SELECT n, 'new' FROM generate_series(1, 30) AS n ON CONFLICT DO NOTHING;
SELECT throws_ok($$SELECT asymm.revert((SELECT max(id) FROM asymm.actions))$$, 'SY008', NULL, 'not where others have taken the keys');
DELETE FROM d.part WHERE name = 'new';
UPDATE d.line SET part_id = 10 WHERE id IN (1, 2, 4, 5, 6, 8, 9);
SELECT matches((SELECT state FROM asymm.revert((SELECT max(id) FROM asymm.actions))), 'reverted', 'what was pointed elsewhere since is left so');
SELECT is((SELECT count(*) FROM d.line WHERE part_id = 10), 8::bigint, 'so it is');
SELECT results_eq($$SELECT removed FROM asymm.merge_duplicates('d.part', 't.id = 15', ignore => '{made}')$$, 'VALUES (16::bigint)',
                  'by expression');
SELECT is((SELECT array_agg(id) FROM d.part WHERE name = 'p5'), '{15}'::int[], 'which says whom to keep');
SELECT results_eq($$SELECT groups, removed FROM asymm.merge_duplicates('d.plain')$$, 'VALUES (5::bigint, 45::bigint)', 'equal rows without a key');
SELECT is((SELECT state FROM asymm.revert((SELECT max(id) FROM asymm.actions))), 'reverted', 'come back');
SELECT is((SELECT array_agg(DISTINCT b) FROM d.plain HAVING count(*) = 50), ARRAY[E'x\\'''], 'as they were');
SELECT throws_ok($$SELECT asymm.merge_duplicates('d.plain', columns => '{a}')$$, '22023', 'which rows of d.plain are older is not known',
                 'which is older is not known');
SELECT throws_ok($$SELECT asymm.merge_duplicates('d.seen', '1', '{a}')$$, NULL, NULL, 'a view');

-- What can't be done.
RESET SESSION AUTHORIZATION;
CREATE FUNCTION attempt(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_detail text;
BEGIN
    EXECUTE 'SET LOCAL ROLE tap_owner';
    EXECUTE command;
    EXECUTE 'RESET ROLE';
    PERFORM asymm.merge_duplicates('d.plain');
    RETURN 'merged';
EXCEPTION WHEN object_not_in_prerequisite_state THEN
    GET STACKED DIAGNOSTICS v_detail = PG_EXCEPTION_DETAIL;
    RETURN v_detail;
END
$$;
SELECT matches(attempt('CREATE RULE r AS ON DELETE TO d.plain DO INSTEAD NOTHING'), 'Rules', 'rules');
SELECT matches(attempt('CREATE TABLE d.heir () INHERITS (d.plain)'), 'inherit', 'inheritance');
SELECT matches(attempt('ALTER TABLE d.plain ADD k int UNIQUE;
                         CREATE TABLE d.no_key (k int REFERENCES d.plain (k))'), 'no primary key', 'no key there');
SELECT matches(attempt($$CREATE FUNCTION d.keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
                         CREATE TRIGGER t BEFORE DELETE ON d.plain FOR EACH ROW EXECUTE FUNCTION d.keep()$$), 'trigger', 'a trigger that keeps rows');
SELECT is((SELECT count(*) FROM d.plain), 50::bigint, 'and nothing was changed');
-- What refers to a partition by itself is not seen from the whole, and would go with the rows by its own action.
CREATE TABLE d.whole (id int, k int, v text, PRIMARY KEY (id, k)) PARTITION BY LIST (k);
CREATE TABLE d.half PARTITION OF d.whole FOR VALUES IN (1);
CREATE TABLE d.leaf (n int PRIMARY KEY, id int, k int, FOREIGN KEY (id, k) REFERENCES d.half ON DELETE CASCADE);
INSERT INTO d.whole VALUES (1, 1, 'x'), (2, 1, 'x');
INSERT INTO d.leaf VALUES (1, 1, 1), (2, 2, 1);
SELECT throws_ok($$SELECT asymm.merge_duplicates('d.whole', '-t.id', '{v}')$$, '55000', NULL, 'a foreign key to a partition');
SELECT is((SELECT count(*) FROM d.leaf), 2::bigint, 'and its rows are there');

SELECT * FROM finish();
ROLLBACK;
