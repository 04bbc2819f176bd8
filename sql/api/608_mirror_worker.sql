-- What the worker asks and says. It logs in as a role made by create_mirror_login().

CREATE OR REPLACE FUNCTION asymm._mirror_registry()
RETURNS TABLE (id bigint, relid oid, schema_name name, table_name name, key_columns name[], columns name[], types regtype[], format text,
               ttl_seconds double precision, epoch bigint, state text, error text, states name[])
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
        SELECT f.id, f.relid, f.schema_name, f.table_name, f.key_columns, c.names,
               ARRAY(SELECT a.atttypid::regtype FROM unnest(c.names) WITH ORDINALITY AS n (name, place)
                       JOIN pg_attribute a ON a.attrelid = f.relid AND a.attname = n.name ORDER BY n.place),
               f.format, EXTRACT(epoch FROM f.ttl)::double precision, f.epoch,
               CASE WHEN f.shape IS NULL THEN 'gone' WHEN f.fault IS NOT NULL THEN 'refused' ELSE 'mirrored' END, f.fault,
               COALESCE(CASE WHEN t.id IS NOT NULL THEN asymm._streamable_states(t.columns, f.relid, c.names, f.format, f.ttl) END, '{}')
          FROM asymm._mirror_in_force AS f CROSS JOIN LATERAL (SELECT asymm._mirror_columns(f.relid, f.columns)) AS c (names)
          LEFT JOIN asymm.state_table AS t ON (t.schema_name, t.table_name) = (f.schema_name, f.table_name)
         WHERE f.epoch IS NOT NULL
         ORDER BY f.id;
END
$$;
COMMENT ON FUNCTION asymm._mirror_registry() IS 'For the worker: what is to be mirrored and how; state mirrored, refused (not any more, see error) or gone; states: columns whose changes it is to count.';

CREATE OR REPLACE FUNCTION asymm._mirror_lead(token text)
RETURNS TABLE (slot name, publication name, slot_state text, applied_lsn pg_lsn, states_token text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_displaced text := asymm._displaced();
BEGIN
    PERFORM asymm._require_text($1, 'token');
    IF v_displaced IS NOT NULL THEN
        RAISE EXCEPTION 'nothing is mirrored from here'
            USING ERRCODE = 'SY004', DETAIL = format('In this database %s.', v_displaced),
                  HINT = 'If it is to be mirrored from now on: SELECT * FROM asymm.resume(); then start the worker again.';
    END IF;
    UPDATE asymm.mirror_worker AS w SET token = $1, login = session_user, led_at = clock_timestamp(), reported_at = clock_timestamp();
    RETURN QUERY
        SELECT asymm._mirror_slot(), 'asymm_mirror'::name, COALESCE(s.wal_status, 'missing'), w.applied_lsn, w.states_token
          FROM asymm.mirror_worker AS w LEFT JOIN pg_replication_slots AS s ON s.slot_name = asymm._mirror_slot();
END
$$;
COMMENT ON FUNCTION asymm._mirror_lead(text)
    IS 'Takes the lead of the mirror: reports with another token are refused from now on. Returns slot, publication, state of the slot (missing, or as wal_status), what was applied last, and the name of the changes of states that were told last. Raises SY004 in a restored or cloned database.';

CREATE OR REPLACE FUNCTION asymm._require_lead(token text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_token text;
BEGIN
    SELECT w.token INTO v_token FROM asymm.mirror_worker AS w FOR UPDATE;
    IF v_token IS DISTINCT FROM token THEN
        RAISE EXCEPTION 'another worker leads the mirror'
            USING ERRCODE = 'SY014', DETAIL = 'It took the lead after this one did.',
                  HINT = 'Stop this worker; it must not write to Redis any more.';
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._require_lead(text) IS 'Raises SY014 unless the token is that of the worker that leads; holds the lead until the end of the transaction.';

CREATE OR REPLACE FUNCTION asymm._mirror_report(report jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_lsn pg_lsn := (report ->> 'applied_lsn')::pg_lsn;
BEGIN
    PERFORM asymm._require_lead(report ->> 'leader');
    PERFORM asymm._keep_streamed(report -> 'states');
    UPDATE asymm.mirror_worker AS w
       SET reported_at = clock_timestamp(), applied_lsn = COALESCE(v_lsn, w.applied_lsn),
           -- A worker that stands still says the same position again and again.
           applied_at = CASE WHEN v_lsn <> w.applied_lsn OR w.applied_lsn IS NULL AND v_lsn IS NOT NULL OR v_lsn >= asymm._wal_end()
                             THEN clock_timestamp() ELSE w.applied_at END,
           counters = COALESCE(report -> 'counters', w.counters),
           states_token = COALESCE(report #>> '{states,id}', w.states_token),
           streams = ARRAY(SELECT r.id FROM jsonb_to_recordset(report #> '{states,tables}') AS r (id bigint) ORDER BY r.id);
    INSERT INTO asymm.mirror_state AS s (mirror_id, state, epoch, rows, error)
    SELECT t.id, t.state, COALESCE(t.epoch, f.epoch), t.rows, t.error
      FROM jsonb_to_recordset(COALESCE(report -> 'tables', '[]')) AS t (id bigint, state text, epoch bigint, rows bigint, error text)
      JOIN asymm._mirror_in_force AS f ON f.id = t.id
    ON CONFLICT (mirror_id) DO UPDATE
       SET state = excluded.state, epoch = excluded.epoch, rows = COALESCE(excluded.rows, s.rows), error = excluded.error,
           changed_at = clock_timestamp()
     WHERE (s.state, s.epoch, s.rows, s.error)
           IS DISTINCT FROM (excluded.state, excluded.epoch, COALESCE(excluded.rows, s.rows), excluded.error);
    -- Redis dropped how many there are: that is unknown, and no longer what it was.
    UPDATE asymm.mirror_state AS s SET rows = NULL
      FROM jsonb_to_recordset(report -> 'tables') AS t (id bigint, counted boolean)
     WHERE s.mirror_id = t.id AND NOT t.counted AND s.rows IS NOT NULL;
    PERFORM asymm._mirror_find_truncated();
END
$$;
COMMENT ON FUNCTION asymm._mirror_report(jsonb)
    IS 'What the worker says, each second or when it changes: {leader, applied_lsn, tables: [{id, state, epoch, rows, counted, error}], counters, states: {id, tables: [{id, start, columns, changes, missed}]}}. Raises SY014 when another one leads.';

CREATE OR REPLACE FUNCTION asymm._mirror_find_truncated() RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._mirror_look(f.id, 'TRUNCATE', false)
       FROM asymm._mirror_in_force AS f
      WHERE f.files <> '{}'
        AND EXISTS (SELECT FROM jsonb_each_text(f.files) AS p LEFT JOIN pg_class c ON c.oid = p.key::oid
                     WHERE c.relfilenode::text IS DISTINCT FROM p.value);
END
$$;
COMMENT ON FUNCTION asymm._mirror_find_truncated() IS 'Begins new epochs where a single partition was truncated or rewritten, of which the stream says nothing.';

-- Asked before the mirror's position goes past what was committed: TRUNCATE holds its lock until everybody sees what it did, so whoever
-- looks for locks first and for files in a later snapshot misses none.
CREATE OR REPLACE FUNCTION asymm._mirror_partitions_astir() RETURNS SETOF bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_locked constant oid[] := ARRAY(SELECT l.relation FROM pg_locks l
                                      WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.granted
                                        AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()));
BEGIN
    RETURN QUERY
        SELECT f.id FROM asymm._mirror_in_force AS f
         WHERE f.files <> '{}'
           AND EXISTS (SELECT FROM jsonb_each_text(f.files) AS p LEFT JOIN pg_class c ON c.oid = p.key::oid
                        WHERE c.relfilenode::text IS DISTINCT FROM p.value OR p.key::oid = ANY (v_locked));
END
$$;
COMMENT ON FUNCTION asymm._mirror_partitions_astir() IS 'Mirrored tables of which a partition was truncated or rewritten, or may just be.';

-- After a restore or a move the addresses are others, and what stands in Redis is another database's.
CREATE OR REPLACE FUNCTION asymm._mirror_resume() RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF asymm._displaced() IS NULL OR pg_is_in_recovery() THEN
        RETURN;
    END IF;
    PERFORM asymm._mirror_new_epoch(m.id, c.oid, 'resume')
       FROM asymm.mirror_table AS m
       JOIN pg_namespace n ON n.nspname = m.schema_name
       JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = m.table_name;
END
$$;
COMMENT ON FUNCTION asymm._mirror_resume() IS 'Begins new epochs of all mirrored tables in a database that was restored, cloned or moved.';
