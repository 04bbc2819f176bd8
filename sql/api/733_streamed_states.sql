-- Changes of states: each one where the mirror's worker sees it in the stream, else those that two looks at the same rows tell of.

CREATE OR REPLACE VIEW asymm._state_streams AS
    SELECT t.id AS table_id, s.since, s.changes, s.missed,
           COALESCE(w.reported_at > clock_timestamp() - interval '10 s', false) AND s.since IS NOT NULL AND m.id = ANY (w.streams) AS live
      FROM asymm.state_table AS t
      JOIN asymm.mirror_table AS m ON (m.schema_name, m.table_name) = (t.schema_name, t.table_name)
      JOIN asymm.mirror_worker AS w ON w.only_row
      LEFT JOIN asymm.state_stream AS s ON s.table_id = t.id;
COMMENT ON VIEW asymm._state_streams IS 'Tracked tables that are mirrored: since when the worker counts their changes, and whether it does so now.';

-- The worker knows a row's former state as the mirror has it. What it can't turn back into the text of the server is left to samples, and
-- so are rows that expire.
CREATE OR REPLACE FUNCTION asymm._streamable_states(columns name[], relid oid, mirrored name[], format text, ttl interval) RETURNS name[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF ttl IS NOT NULL OR NOT columns <@ mirrored THEN
        RETURN NULL;
    ELSIF format <> 'hash' AND EXISTS (
        WITH RECURSIVE made (id) AS (
            SELECT a.atttypid FROM pg_attribute AS a WHERE a.attrelid = relid AND a.attname = ANY (columns)
            UNION
            SELECT y.typbasetype FROM made AS m JOIN pg_type AS y ON y.oid = m.id WHERE y.typtype = 'd')
        SELECT FROM made AS m JOIN pg_type AS y ON y.oid = m.id
         WHERE y.typcategory IN ('A', 'C') OR m.id IN ('json'::regtype, 'jsonb'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype)) THEN
        RETURN NULL;
    END IF;
    RETURN columns;
END
$$;
COMMENT ON FUNCTION asymm._streamable_states(name[], oid, name[], text, interval)
    IS 'The columns whose values are the state of a mirrored table''s rows, if its worker can tell of each change; else NULL.';

CREATE OR REPLACE FUNCTION asymm._keep_transitions(id bigint, changes jsonb, source text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    INSERT INTO asymm.state_transition AS s (table_id, from_state, to_state, times, first_seen, last_seen, source)
    SELECT $1, c.former, c.state, sum(c.times), clock_timestamp(), clock_timestamp(), $3
      FROM (SELECT ARRAY(SELECT jsonb_array_elements_text(e.value -> 0)) AS former, ARRAY(SELECT jsonb_array_elements_text(e.value -> 1)) AS state,
                   (e.value ->> 2)::bigint AS times
              FROM jsonb_array_elements($2) WITH ORDINALITY AS e (value, place) WHERE e.place <= 5000) AS c
     GROUP BY c.former, c.state
    ON CONFLICT (table_id, from_state, to_state, source) DO UPDATE SET times = s.times + excluded.times, last_seen = excluded.last_seen;
    DELETE FROM asymm.state_transition AS s
     WHERE s.table_id = $1 AND (s.from_state, s.to_state, s.source) NOT IN (
           SELECT o.from_state, o.to_state, o.source FROM asymm.state_transition AS o WHERE o.table_id = $1
            ORDER BY o.last_seen DESC, o.times DESC LIMIT 5000);
END
$$;
COMMENT ON FUNCTION asymm._keep_transitions(bigint, jsonb, text) IS 'Adds changes of states, [[from …], [to …], times] each; the 5,000 seen last are kept.';

-- A worker that was killed when it had told them, and before it knew that, tells the same changes again.
CREATE OR REPLACE FUNCTION asymm._keep_streamed(states jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_now constant timestamptz := clock_timestamp();
    v_known constant boolean := EXISTS (SELECT FROM asymm.mirror_worker AS w WHERE w.states_token = states ->> 'id');
    v record;
BEGIN
    FOR v IN SELECT t.id, r.start, CASE WHEN v_known THEN '[]' ELSE COALESCE(r.changes, '[]') END AS changes,
                    CASE WHEN v_known THEN 0 ELSE COALESCE(r.missed, 0) END AS missed
               FROM jsonb_to_recordset(states -> 'tables') AS r (id bigint, start pg_lsn, columns name[], changes jsonb, missed bigint)
               JOIN asymm.mirror_table AS m ON m.id = r.id
               JOIN asymm.state_table AS t ON (t.schema_name, t.table_name, t.columns) = (m.schema_name, m.table_name, r.columns)
              -- One that is being declared anew is passed over: its columns may be others, and reports wait for nobody.
              ORDER BY t.id FOR SHARE OF t SKIP LOCKED LOOP
        INSERT INTO asymm.state_stream AS s (table_id, start, since, changes, missed)
        SELECT v.id, v.start, v_now, COALESCE(sum((e.value ->> 2)::bigint), 0), v.missed FROM jsonb_array_elements(v.changes) AS e
        ON CONFLICT (table_id) DO UPDATE
           SET start = excluded.start, since = CASE WHEN s.start = excluded.start THEN s.since ELSE v_now END,
               changes = CASE WHEN s.start = excluded.start THEN s.changes ELSE 0 END + excluded.changes,
               missed = CASE WHEN s.start = excluded.start THEN s.missed ELSE 0 END + excluded.missed
         WHERE s.start <> excluded.start OR excluded.changes > 0 OR excluded.missed > 0;
        IF v.changes <> '[]' THEN
            PERFORM asymm._keep_transitions(v.id, v.changes, 'stream');
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION asymm._keep_streamed(jsonb)
    IS 'Keeps the changes of states that the mirror''s worker counted: {id, tables: [{id, start, columns, changes, missed}]}; of one id only once.';

CREATE OR REPLACE FUNCTION asymm._transition_source(id bigint) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_stream record;
    v_sample constant bigint := (SELECT count(*) FROM asymm.state_transition AS c
                                  WHERE c.table_id = $1 AND c.source = 'sample'
                                    AND (c.from_state, c.to_state) NOT IN (SELECT o.from_state, o.to_state FROM asymm.state_transition AS o
                                                                            WHERE o.table_id = $1 AND o.source = 'stream'));
BEGIN
    SELECT s.* INTO v_stream FROM asymm._state_streams AS s WHERE s.table_id = $1;
    IF v_stream.since IS NULL THEN
        RETURN 'sample (up to 400 rows followed from look to look)';
    END IF;
    RETURN concat(CASE WHEN NOT COALESCE(v_stream.live, false) THEN 'sample while the mirror''s worker is away, before that ' END,
                  format('stream (each change since %s%s)', to_char(v_stream.since, 'YYYY-MM-DD HH24:MI:SS'),
                         CASE WHEN v_stream.missed > 0 THEN format(', but for %s', v_stream.missed) END),
                  CASE WHEN v_sample > 0 THEN format(', %s by sample only', v_sample) END);
END
$$;
COMMENT ON FUNCTION asymm._transition_source(bigint) IS 'Where the changes of a tracked table''s states are known from, in words.';

CREATE OR REPLACE VIEW asymm.state_transitions AS
    SELECT format('%I.%I', t.schema_name, t.table_name) AS entity, t.columns, c.from_state, c.to_state, c.times, c.first_seen, c.last_seen, c.source
      FROM asymm.state_transition AS c JOIN asymm.state_table AS t ON t.id = c.table_id;
COMMENT ON VIEW asymm.state_transitions
    IS 'Changes of rows from one state to another, with how often: of source stream each one (the mirror''s worker counts them), of source sample those of some rows between two looks; the same one may stand in both. Values of rows, so for operators.';
