-- Encore: consent, whose texts, what a replay keeps, what it teaches, and that it is nobody's work.
\set QUIET 1
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
SELECT no_plan();

CREATE FUNCTION pg_temp.raised(query text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE query;
    RETURN 'nothing';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END
$$;
SELECT is(pg_temp.raised(query), expected, query) FROM (VALUES
    ('SELECT asymm.configure_encore(time_limit => ''9 ms'')', '22023'),
    ('SELECT asymm.configure_encore(time_limit => ''11 s'')', '22023'),
    ('SELECT asymm.configure_encore(replay_every => ''0'')', '22023'),
    ('SELECT asymm.configure_encore(max_active_sessions => -1)', '22023'),
    ('SELECT asymm.configure_encore()', 'nothing'),
    ('SELECT asymm.knowledge(NULL)', '22004'),
    ('SELECT asymm.knowledge(''-1 day'')', '22023'),
    ('SELECT asymm.knowledge(''31 days'')', '22023'),
    ('SELECT * FROM asymm.explain_score(''joy'')', '42704')) AS v (query, expected);

CREATE ROLE encore_owner NOLOGIN;
CREATE ROLE encore_other NOLOGIN;
SELECT count(*) > 0 AS made FROM asymm.create_actor('encore_actor', 'encore_owner') \gset
CREATE SCHEMA s AUTHORIZATION encore_owner;
SET ROLE encore_owner;
CREATE TABLE s.t (id int PRIMARY KEY, a int, b text);
INSERT INTO s.t SELECT g, g, 'x' || g FROM generate_series(1, 5000) AS g;
RESET ROLE;
ANALYZE s.t;
SELECT pg_stat_force_next_flush();
SELECT asymm._observe_queries(), asymm._observe_tables();

-- As if three roles had run statements, with constants that are nobody's to read.
CREATE FUNCTION pg_temp.remember(number bigint, role text, statement text, example text, ms float8) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_id bigint;
BEGIN
    INSERT INTO asymm.query (queryid, role_id, toplevel, command, statement)
    VALUES (number, role::regrole, true, asymm._command(statement), statement) RETURNING id INTO v_id;
    INSERT INTO asymm.query_counter VALUES (number, role::regrole, true, v_id, 10, 10 * ms, 10, 0, 0, 0, 0, 0, clock_timestamp(), 10 * ms * ms);
    IF example IS NOT NULL THEN
        INSERT INTO asymm.query_example VALUES (v_id, 0, example);
    END IF;
    RETURN v_id;
END
$$;
SELECT pg_temp.remember(-1, 'encore_actor', 'SELECT id FROM s.t WHERE b = $1', 'SELECT id FROM s.t WHERE b = ''secret77''', 5) AS mine \gset
SELECT pg_temp.remember(-2, 'encore_owner', 'SELECT count(*) FROM s.t', NULL, 4) AS owners \gset
SELECT pg_temp.remember(-3, 'encore_other', 'SELECT id FROM s.t', NULL, 3) AS others \gset
SELECT pg_temp.remember(-4, 'postgres', 'SELECT a FROM s.t', NULL, 3) AS supers \gset

-- Each call is a round: one says what is next, the following one does it.
CREATE FUNCTION pg_temp.rounds(count int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    FOR v_n IN 1 .. count LOOP
        RESET SESSION AUTHORIZATION;
        UPDATE asymm.replay_state SET rest_until = '-infinity';
        SET SESSION AUTHORIZATION encore_actor;
        PERFORM asymm._encore();
    END LOOP;
    RESET SESSION AUTHORIZATION;
    RETURN (SELECT s.held FROM asymm.replay_state AS s);
END
$$;
SET statement_timeout = '50 s';

SELECT is((SELECT e.encore FROM asymm.encore_settings AS e), false, 'Off unless somebody consents');
SELECT is((SELECT array_agg(o.enabled) FROM asymm.organs AS o WHERE o.name ~ 'encore'), '{f,f}', 'and so are its organs');
SELECT matches(pg_temp.rounds(3), '^nobody consented', 'Without consent');
SELECT is((SELECT count(*) FROM asymm.replay) + (SELECT count(*) FROM asymm.replay_pattern), 0::bigint, 'nothing is looked at');
SELECT is(asymm._encore_watch(), NULL, 'and nothing watched');
SELECT is((asymm.configure_encore(encore => true, max_active_sessions => 1000000)).encore, true, 'Consent');
SELECT is((SELECT array_agg(o.enabled) FROM asymm.organs AS o WHERE o.name ~ 'encore'), '{t,t}', 'switches the organs on');

SELECT asymm.configure_indexes(quiet_hours => to_char(clock_timestamp() + interval '2 h', 'HH24:MI') || '-'
                                              || to_char(clock_timestamp() + interval '3 h', 'HH24:MI'));
SELECT matches(pg_temp.rounds(2), '^outside of quiet_hours', 'Not by day');
SELECT asymm.configure_indexes(quiet_hours => '');
SET statement_timeout = 0;
SELECT matches(pg_temp.rounds(2), '^nobody would keep the time', 'Not where nothing would end it');
SET statement_timeout = '50 s';
SELECT asymm.pause('a test') IS NULL;
SELECT matches(pg_temp.rounds(2), '^paused: a test', 'Not while paused');
SELECT asymm.resume() IS NULL;
SELECT asymm._encore(), asymm._encore();
SELECT is((SELECT s.held FROM asymm.replay_state AS s), 'a superuser replays nothing', 'Not as a superuser');

SELECT is(pg_temp.rounds(1), NULL, 'Now');
SELECT is((SELECT row(s.next_query, s.replays_a_day)::text FROM asymm.encore_status AS s), format('(%s,0)', :mine),
          'what is next is written down first');
SELECT pg_temp.rounds(5);
SELECT is((SELECT array_agg(DISTINCT r.query) FROM asymm.replays AS r), ARRAY[:mine]::bigint[], 'Only the actor''s own text is replayed');
SELECT is((SELECT row(r.taught, r.cost_after, r.constants ~ '^the example of ', r.lesson, r.error)::text FROM asymm.replays AS r),
          '(t,"O(n)",t,"measured for the first time",)', 'What a replay keeps');
SELECT is((SELECT row(r.latency_ms > 0, r.usual_ms, r.rows, r.blocks_hit + r.blocks_read > 20)::text FROM asymm.replays AS r), '(t,5,0,t)',
          'and measured');
SELECT is((SELECT count(*) FROM (SELECT r::text AS row FROM asymm.replay AS r UNION ALL SELECT p::text FROM asymm.replay_pattern AS p
                                 UNION ALL SELECT p::text FROM asymm.query_plan AS p) AS k WHERE k.row ~ 'secret77'), 0::bigint,
          'without the constants');
SELECT is((SELECT row(p.due_at > now() + interval '59 min', p.every)::text FROM asymm.replay_pattern AS p), '(t,01:00:00)',
          'The next is due in an hour');

-- The owner's, by consent of its own.
SELECT asymm.configure_encore(owner_texts => true);
SELECT pg_temp.rounds(6);
SELECT is((SELECT array_agg(DISTINCT r.query_id ORDER BY r.query_id) FROM asymm.replay AS r), ARRAY[:mine, :owners]::bigint[],
          'With owner_texts the owner''s too, but nobody else''s');
SELECT asymm.configure_encore(owner_texts => false);

-- What is not begun, and why.
SELECT pg_temp.remember(-5, 'encore_actor', 'SELECT b FROM s.t WHERE lower(b) = $1', NULL, 1) AS unseen \gset
SELECT pg_temp.remember(-6, 'encore_actor', 'SELECT max(b) FROM s.t', NULL, 1500) AS slow \gset
SELECT pg_temp.remember(-7, 'encore_actor', 'SELECT pg_sleep(3)', NULL, 1) AS hostile \gset
SELECT pg_temp.rounds(7);
SELECT is((SELECT array_agg(p.not_replayed ORDER BY p.query) FROM asymm.replay_patterns AS p WHERE p.query IN (:unseen, :slow, :hostile)),
          '{"it was not seen with constants yet, and none is known for $1","it takes up to 1500 ms, more than time_limit (00:00:01)",
            "function pg_sleep(double precision) is VOLATILE"}', 'Reasons');
SELECT is((SELECT count(*) FROM asymm.replay AS r WHERE r.query_id IN (:unseen, :slow, :hostile)), 0::bigint, 'Refused is not replayed');

-- Drivers send parameters apart from the text.
SELECT pg_temp.remember(-8, 'encore_actor', 'SELECT b FROM s.t WHERE id = $1 AND a BETWEEN $2 AND $3 LIMIT $4', NULL, 1) AS open \gset
SELECT pg_temp.rounds(2);
SELECT is((SELECT row(r.constants, r.taught, r.cost_after, r.error)::text FROM asymm.replays AS r WHERE r.query = :open),
          '("statistics of its columns",t,"O(log n)",)', 'Values that its columns have');

-- An index makes the class better: that is knowledge.
CREATE FUNCTION pg_temp.again(query bigint) RETURNS void LANGUAGE sql AS $$
    UPDATE asymm.replay_pattern AS p SET due_at = CASE WHEN p.query_id = query THEN '-infinity' ELSE 'infinity'::timestamptz END;
    SELECT pg_temp.rounds(2);
$$;
SELECT asymm.refresh_graph() IS NULL;
SELECT pg_temp.again(:mine);
SELECT is((SELECT r.annotation FROM asymm.replays AS r LIMIT 1), 'proposed', 'Nobody said anything of it: an annotation is proposed');
SELECT pg_temp.again(:mine), pg_temp.again(:mine);
SELECT is((SELECT row(r.annotation, (p.annotation ->> 'weight')::float8)::text FROM asymm.replays AS r
             JOIN asymm.proposed_annotations AS p ON p.node = 'query:' || r.query LIMIT 1), '(confirmed,3)', 'Replays add to its evidence');
SELECT cmp_ok((SELECT k.confidence_gain FROM asymm.knowledge() AS k), '>', 0::float8, 'Latency is known better');
SELECT k.cost_gain AS cost_gain FROM asymm.knowledge() AS k \gset
SET ROLE encore_owner;
CREATE INDEX t_b ON s.t (b);
RESET ROLE;
SELECT pg_temp.again(:mine);
SELECT is((SELECT row(r.cost_before, r.cost_after, r.annotation, r.lesson ~ 'costs O\(log n\), was O\(n\); another plan')::text
             FROM asymm.replays AS r LIMIT 1), '("O(n)","O(log n)",corrected,t)', 'A better class is a lesson');
SELECT is((SELECT (k.cost_gain - :cost_gain)::numeric(6, 3) FROM asymm.knowledge() AS k), 0.167, 'and a gain of one in six');
SELECT is((SELECT row(k.play, k.replays = k.replays_taught, abs(k.growth - (k.cost_gain + k.confidence_gain) / 7) < 1e-9)::text
             FROM asymm.knowledge() AS k), '(1,t,t)', 'dK/dt');
SELECT is((SELECT array_agg(t.term) FROM asymm.explain_score('knowledge') AS t), '{play,cost_gain,confidence_gain,days}', 'traceable');
SELECT is((SELECT t.value FROM asymm.explain_score('play') AS t WHERE t.term = 'replays'), 1::float8, 'Ωp too');
SELECT is((SELECT array_agg(v.met) FROM asymm.validate() AS v WHERE v.promise ~ 'Ωp|ψ'), '{t,t}', 'Promises');
SELECT ok((SELECT count(*) = 5 FROM asymm.sample_now AS s
            WHERE s.metric ~ '^replay\.|^score\.(play|knowledge)$' AND s.node IN ('*', 'query:' || :mine)),
          'Recorded over time');

-- What people said is theirs.
SELECT asymm.annotate('query:' || :mine, ROW('mySearch', 'local', 'Support', 'O(1)', '{query}', 1)::asymm.annotation) IS NULL;
SELECT pg_temp.again(:mine);
SELECT is((SELECT r.annotation FROM asymm.replays AS r LIMIT 1), 'left to who said it', 'A voice of a person is left alone');

-- What teaches nothing is replayed twice as seldom.
UPDATE asymm.replay AS r SET confidence_after = 1 WHERE r.id = (SELECT max(m.id) FROM asymm.replay AS m);
SELECT pg_temp.again(:mine);
SELECT is((SELECT row(r.taught, r.lesson)::text FROM asymm.replays AS r LIMIT 1), '(t,)', 'Nothing new');
SELECT is((SELECT p.every FROM asymm.replay_pattern AS p WHERE p.query_id = :mine), interval '2 h', 'is not asked so soon again');

-- A session that dies with it leaves it unfinished.
UPDATE asymm.replay_state SET query_id = :mine, pid = 1, backend_start = '-infinity', booked_at = now();
UPDATE asymm.replay_pattern AS p SET due_at = '-infinity', unfinished = 3 WHERE p.query_id = :mine;
SELECT pg_temp.rounds(1);
SELECT is((SELECT row(p.reason, p.due_at > now() + interval '23 h')::text FROM asymm.replay_pattern AS p WHERE p.query_id = :mine),
          '("its session ended before it was done, 3 times",t)', 'What may have killed it waits for a day');

-- Not the users' work: neither statements nor scans count.
SELECT is((SELECT count(*) FROM asymm.query AS q WHERE q.statement ~ 'AS replay'), 0::bigint, 'No statement of its own');
SELECT pg_stat_force_next_flush();
SELECT asymm._observe_queries();
SELECT asymm._observe_tables();
SELECT is((SELECT sum(l.scans) FROM asymm.table_load AS l WHERE l.relid = 's.t'::regclass),
          -- A statement each that was planned or indexed only: CREATE INDEX scans.
          1::numeric, 'Scans of replays are taken off');
SELECT cmp_ok(pg_stat_get_numscans('s.t'::regclass), '>', 5::bigint, 'though the server counts them');
SELECT is((SELECT count(*) FROM asymm.index_counter AS c WHERE c.index_id = 's.t_b'::regclass AND c.used_at IS NOT NULL), 0::bigint,
          'An index that only replays used is unused');
SELECT is((SELECT count(*) FROM asymm.replay_scan), 0::bigint, 'Nothing is owed any more');

INSERT INTO asymm.replay (actor, query_id, source, taught) SELECT 'encore_actor', 0, '', false FROM generate_series(1, 10050);
SELECT asymm._purge_replays();
SELECT is((SELECT count(*) FROM asymm.replay), 10000::bigint, 'Ten thousand are kept');
SELECT * FROM finish();
RESET SESSION AUTHORIZATION;
DROP OWNED BY encore_owner, encore_other, encore_actor CASCADE;
DROP ROLE encore_actor, encore_owner, encore_other;
