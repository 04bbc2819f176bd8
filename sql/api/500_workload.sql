-- The workload, read from the counters of the server: what moved since the last look is added to the step of time.

-- Where pg_stat_statements lives, if it is there and counts; anybody may have made something else of that name.
CREATE OR REPLACE FUNCTION asymm._statements_schema() RETURNS name
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT n.nspname FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
     WHERE e.extname = 'pg_stat_statements'
       AND 'pg_stat_statements' = ANY (SELECT btrim(s) FROM string_to_table(current_setting('shared_preload_libraries'), ',') AS s)
$$;
COMMENT ON FUNCTION asymm._statements_schema() IS 'Schema of pg_stat_statements; NULL where it isn''t installed or not preloaded.';

-- What a statement does, by its first word; NULL for utility commands. PREPARE is what it prepares.
CREATE OR REPLACE FUNCTION asymm._command(statement text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_text text := lower(asymm._bare_statement(statement));
    v_word text := substring(v_text FROM '^\(*\s*(\w+)');
BEGIN
    RETURN CASE
        WHEN v_word IN ('insert', 'update', 'delete', 'merge') THEN v_word
        WHEN v_word IN ('values', 'table') THEN 'select'
        WHEN v_word IN ('select', 'with') THEN
            -- The first that changes something in a WITH, else it reads.
            CASE WHEN v_word = 'with'
                 THEN COALESCE((regexp_match(v_text, '\m(insert)\s+into\M|\m(update)\s+[^;]*?\mset\M|\m(delete)\s+from\M|\m(merge)\s+into\M'))[1],
                               (regexp_match(v_text, '\m(update)\s+[^;]*?\mset\M'))[1], (regexp_match(v_text, '\m(delete)\s+from\M'))[1],
                               (regexp_match(v_text, '\m(merge)\s+into\M'))[1], 'select')
                 ELSE 'select' END
    END;
END
$$;
COMMENT ON FUNCTION asymm._command(text) IS 'select, insert, update, delete or merge; NULL for anything else.';

-- Comments in front, EXPLAIN and PREPARE say nothing of what a statement does.
CREATE OR REPLACE FUNCTION asymm._bare_statement(statement text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_text text := statement;
    v_before text;
BEGIN
    LOOP
        v_before := v_text;
        v_text := regexp_replace(v_text, '^(\s+|--[^\n]*(\n|$)|/\*.*?\*/)+', '');
        v_text := regexp_replace(v_text, '^explain\s+(\([^()]*\)\s*|(analyze|verbose)\s+)*', '', 'i');
        v_text := regexp_replace(v_text, '^prepare\s+("([^"]|"")+"|\w+)\s*(\([^()]*(\([^()]*\)[^()]*)*\)\s*)?\mas\M\s*', '', 'i');
        EXIT WHEN v_text = v_before;
    END LOOP;
    RETURN regexp_replace(v_text, '[\s;]+$', '');
END
$$;
COMMENT ON FUNCTION asymm._bare_statement(text) IS 'A statement without comments in front, without EXPLAIN or PREPARE, and without the semicolon.';

-- What the extension runs is not the workload.
CREATE OR REPLACE FUNCTION asymm._is_own_statement(statement text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT statement ~ '\masymm\.|/\* asymmetrica ' $$;
COMMENT ON FUNCTION asymm._is_own_statement(text) IS 'Whether a statement is one of ours: it names the schema asymm or carries our mark.';

-- The step (a quarter of an hour) that is counted now and its place in the ring, which is emptied if it holds an older day.
CREATE OR REPLACE FUNCTION asymm._load_slot(OUT slot smallint, OUT at timestamptz)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_day integer;
    v_held integer;
BEGIN
    at := date_bin((asymm._index_settings()).workload_step, clock_timestamp(), '2000-01-01 00:00:00+00');
    v_day := floor(EXTRACT(epoch FROM at) / 86400)::integer;
    slot := v_day % 8;
    SELECT w.days[slot] INTO v_held FROM asymm.workload_state AS w FOR UPDATE;
    IF v_held IS DISTINCT FROM v_day THEN
        -- One that was never filled is empty: a TRUNCATE would have the scans read all watched objects for nothing.
        IF v_held > 0 THEN
            EXECUTE format('TRUNCATE asymm.%I, asymm.%I', 'query_load_' || slot, 'table_load_' || slot);
        END IF;
        UPDATE asymm.workload_state AS w SET days[slot] = v_day;
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._load_slot() IS 'Part of the ring and beginning of the step of time that is counted now.';

-- Of a short time only these parts need be read, by their key.
CREATE OR REPLACE FUNCTION asymm._load_slots(since timestamptz) RETURNS smallint[]
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_today integer := floor(EXTRACT(epoch FROM clock_timestamp()) / 86400);
BEGIN
    RETURN ARRAY(SELECT (d.day % 8)::smallint
                   FROM generate_series(GREATEST(v_today - 7, floor(EXTRACT(epoch FROM since) / 86400)::integer), v_today) AS d (day));
END
$$;
COMMENT ON FUNCTION asymm._load_slots(timestamptz) IS 'Parts of the ring that hold the days since then.';

-- A count that went down began anew (a reset, or thrown out for want of place and come again): then all of it is new. The
-- first look of all only learns where the counters stand. Hash joins whatever the planner believes: these tables grow from
-- nothing within a minute, and a nested loop over 5,000 statements takes seconds.
CREATE OR REPLACE FUNCTION asymm._observe_queries() RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off SET jit = off
AS $$
DECLARE
    v_schema name := asymm._statements_schema();
    v_first boolean;
    v_load record;
    v_new integer;
    v_since text;
    v_looked asymm.sample[];
    v_database oid := (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database());
BEGIN
    IF v_schema IS NULL THEN
        RETURN NULL;
    END IF;
    v_load := asymm._load_slot();
    SELECT w.queries_at IS NULL INTO v_first FROM asymm.workload_state AS w;
    -- New ones, with their text: the file of texts is read only when there are any.
    EXECUTE format($sql$
        SELECT count(*) FROM %I.pg_stat_statements(false) AS s
         WHERE s.dbid = $1 AND s.queryid IS NOT NULL
           AND NOT EXISTS (SELECT FROM asymm.query_counter AS c WHERE (c.queryid, c.role_id, c.toplevel) = (s.queryid, s.userid, s.toplevel))
        $sql$, v_schema) INTO v_new USING v_database;
    IF v_new > 0 THEN
        EXECUTE format($sql$
            WITH s AS MATERIALIZED (
                SELECT s.*, asymm._command(s.query) AS command
                  FROM %I.pg_stat_statements(true) AS s
                 WHERE s.dbid = $1 AND s.queryid IS NOT NULL AND s.query IS NOT NULL
                   AND NOT EXISTS (SELECT FROM asymm.query_counter AS c
                                    WHERE (c.queryid, c.role_id, c.toplevel) = (s.queryid, s.userid, s.toplevel))),
            q AS (
                INSERT INTO asymm.query AS q (queryid, role_id, toplevel, command, statement)
                SELECT s.queryid, s.userid, s.toplevel, s.command,
                       left(CASE WHEN asymm._protects() THEN asymm._without_constants(asymm._bare_statement(s.query))
                                 ELSE asymm._bare_statement(s.query) END, 100000)
                  FROM s
                 WHERE s.command IS NOT NULL AND NOT asymm._is_own_statement(s.query)
                ON CONFLICT (queryid, role_id, toplevel) DO UPDATE SET first_seen = q.first_seen
                RETURNING q.id, q.queryid, q.role_id, q.toplevel)
            INSERT INTO asymm.query_counter
            SELECT s.queryid, s.userid, s.toplevel, q.id, CASE WHEN $2 THEN s.calls ELSE 0 END, CASE WHEN $2 THEN s.total_exec_time ELSE 0 END,
                   CASE WHEN $2 THEN s.rows ELSE 0 END, CASE WHEN $2 THEN s.shared_blks_hit ELSE 0 END,
                   CASE WHEN $2 THEN s.shared_blks_read ELSE 0 END, CASE WHEN $2 THEN s.shared_blks_dirtied ELSE 0 END,
                   CASE WHEN $2 THEN s.temp_blks_read + s.temp_blks_written ELSE 0 END, CASE WHEN $2 THEN s.wal_bytes ELSE 0 END,
                   clock_timestamp(), CASE WHEN $2 THEN s.calls * (s.stddev_exec_time ^ 2 + s.mean_exec_time ^ 2) ELSE 0 END
              FROM s LEFT JOIN q ON (q.queryid, q.role_id, q.toplevel) = (s.queryid, s.userid, s.toplevel)$sql$, v_schema)
          USING v_database, v_first;
    END IF;
    -- From version 17 on the server says when it began to count.
    SELECT CASE WHEN 'stats_since' = ANY (p.proargnames) THEN 's.stats_since > c.seen_at' ELSE 'false' END INTO v_since
      FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
     WHERE n.nspname = v_schema AND p.proname = 'pg_stat_statements';
    EXECUTE format($sql$
        WITH s AS MATERIALIZED (SELECT s.* FROM %I.pg_stat_statements(false) AS s WHERE s.dbid = $1),
        moved AS MATERIALIZED (
            SELECT c.query_id, s.*, s.temp_blks_read + s.temp_blks_written AS temp_blocks,
                   s.calls * (s.stddev_exec_time ^ 2 + s.mean_exec_time ^ 2) AS squares,
                   s.calls < c.calls OR s.total_exec_time < c.exec_ms OR %s AS anew,
                   c.calls AS c_calls, c.exec_ms AS c_exec_ms, c.rows AS c_rows, c.blocks_hit AS c_hit, c.blocks_read AS c_read,
                   c.blocks_dirtied AS c_dirtied, c.temp_blocks AS c_temp, c.wal_bytes AS c_wal, c.exec_squares AS c_squares
              FROM s JOIN asymm.query_counter AS c ON (c.queryid, c.role_id, c.toplevel) = (s.queryid, s.userid, s.toplevel)
             WHERE s.calls <> c.calls OR s.total_exec_time <> c.exec_ms),
        -- What was thrown out begins at nothing when it comes again.
        gone AS (
            UPDATE asymm.query_counter AS c
               SET calls = 0, exec_ms = 0, rows = 0, blocks_hit = 0, blocks_read = 0, blocks_dirtied = 0, temp_blocks = 0, wal_bytes = 0,
                   exec_squares = 0
             WHERE c.calls > 0
               AND NOT EXISTS (SELECT FROM s WHERE (c.queryid, c.role_id, c.toplevel) = (s.queryid, s.userid, s.toplevel))),
        kept AS (
            UPDATE asymm.query_counter AS c
               SET calls = m.calls, exec_ms = m.total_exec_time, rows = m.rows, blocks_hit = m.shared_blks_hit, blocks_read = m.shared_blks_read,
                   blocks_dirtied = m.shared_blks_dirtied, temp_blocks = m.temp_blocks, wal_bytes = m.wal_bytes, seen_at = clock_timestamp(),
                   exec_squares = m.squares
              FROM moved AS m WHERE (c.queryid, c.role_id, c.toplevel) = (m.queryid, m.userid, m.toplevel)),
        delta AS MATERIALIZED (
            SELECT m.query_id, m.calls - b.calls AS calls, m.total_exec_time - b.exec_ms AS exec_ms, m.rows - b.rows AS rows,
                   m.shared_blks_hit - b.hit AS hit, m.shared_blks_read - b.read AS read, m.shared_blks_dirtied - b.dirtied AS dirtied,
                   m.temp_blocks - b.temp AS temp, m.wal_bytes - b.wal AS wal, GREATEST(m.squares - b.squares, 0) AS squares
              FROM moved AS m
             CROSS JOIN LATERAL (
                   SELECT CASE WHEN m.anew THEN 0 ELSE m.c_calls END AS calls, CASE WHEN m.anew THEN 0 ELSE m.c_exec_ms END AS exec_ms,
                          CASE WHEN m.anew THEN 0 ELSE m.c_rows END AS rows, CASE WHEN m.anew THEN 0 ELSE m.c_hit END AS hit,
                          CASE WHEN m.anew THEN 0 ELSE m.c_read END AS read, CASE WHEN m.anew THEN 0 ELSE m.c_dirtied END AS dirtied,
                          CASE WHEN m.anew THEN 0 ELSE m.c_temp END AS temp, CASE WHEN m.anew THEN 0 ELSE m.c_wal END AS wal,
                          CASE WHEN m.anew THEN 0 ELSE m.c_squares END AS squares) AS b
             WHERE m.query_id IS NOT NULL),
        -- Those that have a row in this step, and the costliest others up to 500; the rest together.
        placed AS (
            SELECT CASE WHEN d.has_row OR d.n <= 500 - d.taken THEN d.query_id ELSE 0 END AS place, d.*
              FROM (SELECT d.*, l.query_id IS NOT NULL AS has_row,
                           (SELECT count(*) FROM asymm.query_load AS t WHERE (t.slot, t.at) = ($2, $3)) AS taken,
                           row_number() OVER (PARTITION BY l.query_id IS NOT NULL ORDER BY d.exec_ms DESC, d.query_id) AS n
                      FROM delta AS d
                      LEFT JOIN asymm.query_load AS l ON (l.slot, l.at, l.query_id) = ($2, $3, d.query_id)) AS d),
        loaded AS (
            INSERT INTO asymm.query_load AS l
            SELECT $2, $3, p.place, sum(p.calls), sum(p.exec_ms), sum(p.rows), sum(p.hit), sum(p.read), sum(p.dirtied), sum(p.temp), sum(p.wal),
                   sum(p.squares)
              FROM placed AS p GROUP BY p.place
            ON CONFLICT (slot, at, query_id) DO UPDATE
               SET calls = l.calls + EXCLUDED.calls, exec_ms = l.exec_ms + EXCLUDED.exec_ms, rows = l.rows + EXCLUDED.rows,
                   blocks_hit = l.blocks_hit + EXCLUDED.blocks_hit, blocks_read = l.blocks_read + EXCLUDED.blocks_read,
                   blocks_dirtied = l.blocks_dirtied + EXCLUDED.blocks_dirtied, temp_blocks = l.temp_blocks + EXCLUDED.temp_blocks,
                   wal_bytes = l.wal_bytes + EXCLUDED.wal_bytes,
                   exec_squares = l.exec_squares + EXCLUDED.exec_squares)
        -- The hundred costliest of this look, one by one: a slow-down is noticed before the step of time is over.
        SELECT ARRAY[ROW(0, 'look.calls', $4, array_agg(d.query_id), array_agg(d.calls::float8), NULL, NULL, NULL)::asymm.sample,
                     ROW(0, 'look.exec_ms', $4, array_agg(d.query_id), array_agg(d.exec_ms), NULL, NULL, NULL)::asymm.sample]
          FROM (SELECT d.query_id, d.calls, d.exec_ms FROM delta AS d WHERE d.calls > 0 ORDER BY d.exec_ms DESC LIMIT 100) AS d
        HAVING count(*) > 0$sql$, v_schema, v_since)
      INTO v_looked
      USING v_database, v_load.slot, v_load.at, clock_timestamp();
    PERFORM asymm._keep_samples('minute', v_looked);
    UPDATE asymm.workload_state AS w SET queries_at = clock_timestamp();
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION asymm._observe_queries() IS 'Organ: adds what pg_stat_statements counted since the last look to asymm.query_load.';
