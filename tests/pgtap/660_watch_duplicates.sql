-- Watch mode: new duplicates are noticed, by an actor that is a member of the owner; what is none any more is forgotten.
BEGIN;
SELECT plan(13);

CREATE ROLE tap_owner NOLOGIN;
CREATE ROLE tap_actor IN ROLE tap_owner, asymm_operator, asymm_pulse;
CREATE ROLE tap_other IN ROLE asymm_operator, asymm_pulse;
CREATE SCHEMA w AUTHORIZATION tap_owner;
SET ROLE tap_owner;
CREATE TABLE w."the, 'rows'" (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a text, b numeric, c text GENERATED ALWAYS AS (a || '!') STORED);
INSERT INTO w."the, 'rows'" (a, b) SELECT 'x' || n, n FROM generate_series(1, 500) AS n;
CREATE TABLE w.parts (k int, a text) PARTITION BY LIST (k);
CREATE TABLE w.part_1 PARTITION OF w.parts FOR VALUES IN (1);
CREATE TABLE w.part_2 PARTITION OF w.parts FOR VALUES IN (2);
CREATE VIEW w.seen AS SELECT * FROM w.parts;
RESET ROLE;
CREATE FUNCTION look() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE asymm.duplicate_look SET due_at = '-infinity';
    SET LOCAL SESSION AUTHORIZATION tap_actor;
    PERFORM asymm._observe_duplicates();
    PERFORM asymm._observe_duplicates();
    RESET SESSION AUTHORIZATION;
END
$$;

SET SESSION AUTHORIZATION tap_other;
SELECT throws_ok($$SELECT asymm.watch_duplicates('w.parts', '{a}')$$, '42501', NULL, 'strangers may not');
SET SESSION AUTHORIZATION tap_actor;
SELECT throws_ok($$SELECT asymm.watch_duplicates('w.seen', '{a}')$$, '42809', NULL, 'not a view');
SELECT throws_ok($$SELECT asymm.watch_duplicates('w."the, ''rows''"', '{c}')$$, '42809', NULL, 'nor what is generated');
SELECT is(asymm.watch_duplicates('w."the, ''rows''"'), '{a,b}'::name[], 'content by default');
SELECT is(asymm.watch_duplicates('w.parts', '{a}'), '{a}'::name[], 'a partitioned table');
RESET SESSION AUTHORIZATION;
SELECT look();
SELECT results_eq('SELECT duplicates, passes > 0 FROM asymm.watched_duplicates', 'VALUES (0::bigint, true), (0, true)', 'all was looked at');
INSERT INTO w."the, 'rows'" (a, b) VALUES ('x17', 17.00), ('new', 1), ('new', 1.0);
INSERT INTO w.parts VALUES (1, 'q'), (2, 'q'), (2, 'r');
SELECT look();
SELECT results_eq('SELECT duplicates FROM asymm.watched_duplicates ORDER BY object', 'VALUES (2::bigint), (1)',
                  'new ones are noticed, across partitions');
SELECT results_eq($$SELECT severity, seen FROM asymm.findings WHERE seen LIKE '%duplicates%' ORDER BY seen$$,
                  $$VALUES ('warning', '1 rows of w.parts are duplicates of others'),
                           ('warning', '2 rows of w."the, ''rows''" are duplicates of others')$$,
                  'and told');
UPDATE w."the, 'rows'" SET a = a || 'z' WHERE id = 501;
DELETE FROM w."the, 'rows'" WHERE id = 503;
UPDATE w."the, 'rows'" SET b = b WHERE id BETWEEN 100 AND 200;
SELECT look();
SELECT results_eq('SELECT duplicates FROM asymm.watched_duplicates ORDER BY object', 'VALUES (0::bigint), (1)', 'what is none any more is forgotten');
INSERT INTO w."the, 'rows'" (a, b) VALUES ('x150', 150);
SELECT look();
SELECT is((SELECT duplicates FROM asymm.watched_duplicates WHERE object LIKE '%rows%'), 1::bigint, 'rows that moved are known where they are');
SET SESSION AUTHORIZATION tap_other;
SELECT throws_ok($$SELECT asymm.unwatch_duplicates('w.parts')$$, '42501', NULL, 'a stranger does not end it');
SET SESSION AUTHORIZATION tap_actor;
SELECT is(asymm.unwatch_duplicates('w.parts'), true, 'ended');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(*) FROM asymm.findings WHERE node = 'entity:w.parts'), 0::bigint, 'with its finding');

SELECT * FROM finish();
ROLLBACK;
