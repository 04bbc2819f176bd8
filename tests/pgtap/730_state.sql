-- State Sonar: what is refused, what is counted, how changes are followed, what is found fault with.
BEGIN;
SELECT plan(34);

CREATE ROLE tap_owner NOLOGIN;
CREATE ROLE tap_member IN ROLE tap_owner, asymm_operator;
CREATE ROLE tap_other IN ROLE asymm_operator;
CREATE ROLE tap_reader IN ROLE asymm_reader;
CREATE SCHEMA shop AUTHORIZATION tap_owner;
SET ROLE tap_owner;
CREATE TYPE shop.paid AS ENUM ('no', 'half', 'yes');
CREATE TABLE shop.orders (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, status text, paid shop.paid DEFAULT 'no', note text);
INSERT INTO shop.orders (status, note) SELECT (ARRAY['new', 'sent'])[1 + n % 2], n::text FROM generate_series(1, 100) AS n;
CREATE TABLE shop.plain (a int, b text);
CREATE TABLE shop."Odd, ""State""" ("K 1" int, k2 text, "the 'status'" text, PRIMARY KEY (k2, "K 1"));
INSERT INTO shop."Odd, ""State""" SELECT n, E'x\\y''' || n, NULL FROM generate_series(1, 50) AS n;
CREATE VIEW shop.seen AS SELECT * FROM shop.orders;
-- Whoever made a type may have made casts: they must not run in the organ.
CREATE TYPE shop.trap AS (a int);
CREATE FUNCTION shop.spring(shop.trap) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'sprung'; END $$;
CREATE CAST (shop.trap AS text) WITH FUNCTION shop.spring(shop.trap) AS ASSIGNMENT;
CREATE TABLE shop.trapped (id int PRIMARY KEY, state shop.trap);
INSERT INTO shop.trapped VALUES (1, ROW(1)), (2, NULL);
RESET ROLE;

SELECT throws_ok(format('SELECT * FROM asymm.track_state(%s)', arguments), state, NULL, arguments)
  FROM (VALUES ('NULL', '22004'), ('4294967295::oid', '42P01'), ('''shop.seen''', '42809'), ('''pg_class''', '42809'), ('''asymm.setting''', '42809'),
               ('''shop.plain''', '42703'), ('''shop.orders'', ''{}''', '22023'), ('''shop.orders'', ''{status,NULL}''', '22023'),
               ('''shop.orders'', ''{status,status}''', '22023'), ('''shop.orders'', ''{Status}''', '42703'),
               ('''shop.orders'', ''{id,status,paid,note,x}''', '22023')) AS c (arguments, state);
SELECT throws_ok('SELECT asymm.untrack_state(NULL)', '22004', NULL, 'untrack_state(NULL)');
SELECT throws_ok('SELECT asymm.untrack_state('' '')', '22023', NULL, 'untrack_state of a blank');
SELECT is(asymm.untrack_state('shop.nothing'), false, 'nothing was tracked');
SELECT throws_ok('SELECT asymm.configure_sonar(max_explosion => 0.5)', '22023', NULL, 'a limit below one');
SELECT throws_ok('SELECT asymm.configure_sonar(fine_complexity => 11)', '22023', NULL, 'fine is above the most');
SET ROLE tap_other;
SELECT throws_ok('SELECT * FROM asymm.track_state(''shop.orders'')', '42501', NULL, 'somebody else''s table');
SET ROLE tap_reader;
SELECT throws_ok('SELECT * FROM asymm.track_state(''shop.orders'')', '42501', NULL, 'readers declare nothing');
SELECT throws_ok('SELECT * FROM asymm.state_transitions', '42501', NULL, 'readers don''t see values');
SET ROLE tap_member;
SELECT results_eq('SELECT * FROM asymm.track_state(''shop.orders'')',
                  $$VALUES ('shop.orders', '{status,paid}'::name[], NULL::text)$$, 'columns are proposed');
RESET ROLE;
SELECT is((SELECT object FROM asymm.track_state('shop."Odd, ""State"""', ARRAY['the ''status'''])), 'shop."Odd, ""State"""', 'odd names');
SELECT isnt((SELECT note FROM asymm.track_state('shop.plain', '{a,b}')), NULL, 'without a key it is said');
SELECT ok((SELECT count(*) = 1 FROM asymm.track_state('shop.trapped', '{state}')), 'a type with casts');
SELECT is((SELECT count(*) FROM asymm.state_sonar() WHERE score IS NULL AND source ~ 'not looked at'), 4::bigint,
          'nothing is made up before the first look');

-- Three tables in each run, of one whole rows.
CREATE FUNCTION pg_temp.look() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE asymm.state_look SET hashed_at = hashed_at - interval '2 hours';
    FOR v_turn IN 1 .. 4 LOOP
        UPDATE asymm.state_look SET at = at - interval '1 min';
        PERFORM asymm._observe_states(), asymm._observe_states();
    END LOOP;
END
$$;
SELECT pg_temp.look();
SELECT is((SELECT (states, transitions, rows, score, status) FROM asymm.state_sonar('shop.orders')),
          ROW(2::bigint, 0::bigint, 100::float8, 1::float8, 'excellent'::text),
          'two states');
SELECT is((SELECT count(*) FROM asymm.state_sonar() WHERE measured_at IS NOT NULL), 4::bigint, 'all were looked at, nobody''s cast was run');
SELECT is_empty('SELECT * FROM asymm.findings WHERE sonar = ''state''', 'nothing is wrong');

UPDATE shop.orders SET status = 'lost', paid = 'half' WHERE id <= 10;
UPDATE shop."Odd, ""State""" SET "the 'status'" = '' WHERE "K 1" = 7;
INSERT INTO shop.plain SELECT 1, 'same' FROM generate_series(1, 30);
SELECT pg_temp.look();
SELECT results_eq('SELECT from_state, to_state, times FROM asymm.state_transitions WHERE entity = ''shop.orders'' ORDER BY 1',
                  $$VALUES ('{new,no}'::text[], '{lost,half}'::text[], 5::bigint), ('{sent,no}', '{lost,half}', 5)$$, 'changes are followed by key');
SELECT results_eq('SELECT from_state, to_state FROM asymm.state_transitions WHERE entity ~ ''Odd''', $$VALUES ('{NULL}'::text[], '{""}'::text[])$$,
                  'NULL and an empty text are two states');
SELECT is((SELECT explosion FROM asymm.state_sonar('shop.plain')), 30::float8, 'rows to distinct rows');
SELECT results_eq('SELECT severity, node, key FROM asymm.findings WHERE sonar = ''state''',
                  $$VALUES ('critical', 'entity:shop.plain', 'shop.plain duplicates')$$, 'only the duplicates are wrong');

-- states explode, and are mended
UPDATE shop.orders SET status = 'made up ' || id;
SELECT pg_temp.look();
SELECT ok((SELECT complexity > 13 AND status = 'critical' AND critique[1] ~ 'unmanageable' FROM asymm.state_sonar('shop.orders')), 'too many states');
UPDATE shop.orders SET status = 'sent', paid = 'no';
DELETE FROM shop.plain;
DELETE FROM asymm.state_transition;
SELECT pg_temp.look();
SELECT is_empty('SELECT * FROM asymm.findings WHERE sonar = ''state'' AND key <> ''shop.orders states''', 'what was mended is closed');
SELECT ok(asymm.untrack_state('shop.orders') AND NOT EXISTS (SELECT FROM asymm.findings WHERE sonar = 'state'), 'untracked, forgotten');

SELECT * FROM finish();
ROLLBACK;
