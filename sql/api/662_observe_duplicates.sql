-- Watch mode, the organ.

-- Due parts of tables of owners whom the session may act for: what was rewritten begins anew, what was not written to waits.
CREATE OR REPLACE FUNCTION asymm._duplicate_work()
RETURNS TABLE (watch bigint, part oid, columns name[], block bigint, upto bigint, since xid)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_now constant xid8 := pg_snapshot_xmin(pg_current_snapshot());
BEGIN
    DELETE FROM asymm.duplicate_look AS k WHERE NOT EXISTS (SELECT FROM pg_class AS c WHERE c.oid = k.part);
    -- Another file: places mean nothing any more. Or so long ago that transaction numbers came round.
    WITH g AS (
        UPDATE asymm.duplicate_look AS k
           SET filenode = pg_relation_filenode(k.part), block = 0, since = NULL, next_since = v_now, due_at = '-infinity'
         WHERE k.filenode <> pg_relation_filenode(k.part)
            OR v_now::text::numeric - COALESCE(k.since, k.next_since)::text::numeric > 1500000000
        RETURNING k.watch_id, k.part)
    DELETE FROM asymm.row_print AS p USING g WHERE (p.watch_id, p.part) = (g.watch_id, g.part);
    INSERT INTO asymm.duplicate_look (watch_id, part, filenode, block, next_since, writes, due_at)
    SELECT w.id, p.oid, pg_relation_filenode(p.oid), 0, v_now, 0, '-infinity'
      FROM asymm.duplicate_watch AS w
      JOIN pg_namespace AS n ON n.nspname = w.schema_name
      JOIN pg_class AS c ON (c.relnamespace, c.relname) = (n.oid, w.table_name) AND c.relkind IN ('r', 'p')
      JOIN pg_class AS p ON p.relkind = 'r' AND p.oid IN (SELECT c.oid UNION SELECT t.relid FROM pg_partition_tree(c.oid) AS t)
     WHERE asymm._role_may_act(session_user, pg_get_userbyid(c.relowner))
    ON CONFLICT DO NOTHING;
    RETURN QUERY
        WITH d AS (
            SELECT k.watch_id, k.part, w.columns, x.writes
              FROM asymm.duplicate_look AS k
              JOIN asymm.duplicate_watch AS w ON w.id = k.watch_id
              JOIN pg_class AS c ON c.oid = k.part
             CROSS JOIN LATERAL (SELECT pg_stat_get_tuples_inserted(k.part) + pg_stat_get_tuples_updated(k.part)
                                        + pg_stat_get_tuples_deleted(k.part) + pg_stat_get_xact_tuples_inserted(k.part)
                                        + pg_stat_get_xact_tuples_updated(k.part) + pg_stat_get_xact_tuples_deleted(k.part) AS writes) AS x
             WHERE k.due_at <= clock_timestamp() AND (k.block > 0 OR k.since IS NULL OR x.writes <> k.writes)
               AND asymm._role_may_act(session_user, pg_get_userbyid(c.relowner))
             ORDER BY k.due_at, k.watch_id, k.part LIMIT 1)
        UPDATE asymm.duplicate_look AS k
           SET writes = CASE WHEN k.block = 0 THEN d.writes ELSE k.writes END, next_since = CASE WHEN k.block = 0 THEN v_now ELSE k.next_since END
          FROM d WHERE (k.watch_id, k.part) = (d.watch_id, d.part)
        RETURNING k.watch_id, k.part, d.columns, k.block, k.block + CASE WHEN k.since IS NULL THEN 200 ELSE 2000 END,
                  ((k.since::text::numeric % 4294967296)::text)::xid;
END
$$;
COMMENT ON FUNCTION asymm._duplicate_work() IS 'The next blocks of a watched table to look for duplicates in, and since which transaction rows are new (NULL: all are).';

-- Keeps the contents that were not there, and returns where those that were had been.
CREATE OR REPLACE FUNCTION asymm._keep_prints(watch bigint, part oid, upto bigint, prints bigint[], places tid[])
RETURNS TABLE (print bigint, place tid, other_part oid, other_place tid)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_over constant boolean := $3 * current_setting('block_size')::bigint >= pg_relation_size($2);
BEGIN
    PERFORM asymm._require_watch($1);
    INSERT INTO asymm.row_print AS p (watch_id, print, part, place)
    SELECT $1, n.print, $2, n.place FROM unnest($4, $5) AS n (print, place)
    ON CONFLICT DO NOTHING;
    RETURN QUERY SELECT n.print, n.place, p.part, p.place
                   FROM unnest($4, $5) AS n (print, place) JOIN asymm.row_print AS p ON (p.watch_id, p.print) = ($1, n.print)
                  WHERE (p.part, p.place) <> ($2, n.place);
    UPDATE asymm.duplicate_look AS k
       SET block = CASE WHEN v_over THEN 0 ELSE $3 END, since = CASE WHEN v_over THEN k.next_since ELSE k.since END,
           passes = k.passes + v_over::integer, due_at = clock_timestamp() + CASE WHEN v_over THEN interval '30 s' ELSE interval '0' END
     WHERE (k.watch_id, k.part) = ($1, $2);
END
$$;
COMMENT ON FUNCTION asymm._keep_prints(bigint, oid, bigint, bigint[], tid[]) IS 'Keeps the contents of some blocks and how far they were read; returns rows whose content was there before.';

CREATE OR REPLACE FUNCTION asymm._require_watch(watch bigint) RETURNS asymm.duplicate_watch
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v asymm.duplicate_watch;
    v_owner name;
BEGIN
    SELECT w.* INTO v FROM asymm.duplicate_watch AS w WHERE w.id = watch;
    SELECT pg_get_userbyid(c.relowner) INTO v_owner FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
     WHERE (n.nspname, c.relname) = (v.schema_name, v.table_name);
    PERFORM asymm._require_rights(v_owner, 'watched duplicates');
    RETURN v;
END
$$;
COMMENT ON FUNCTION asymm._require_watch(bigint) IS 'Returns a table watched for duplicates if the caller may act for its owner.';

CREATE OR REPLACE FUNCTION asymm._keep_duplicates(watch bigint, part oid, equal jsonb, others jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v constant asymm.duplicate_watch := asymm._require_watch($1);
    v_object constant text := format('%I.%I', v.schema_name, v.table_name);
    v_key constant text := format('duplicates %s.%s ', v.schema_name, v.table_name);
    v_count bigint;
BEGIN
    -- What had been there is another row now, or gone: this is the one to compare with.
    UPDATE asymm.row_print AS p SET part = $2, place = o.place
      FROM jsonb_to_recordset($4) AS o (print bigint, place tid) WHERE (p.watch_id, p.print) = ($1, o.print);
    INSERT INTO asymm.duplicate_seen (watch_id, part, place, other_part, other_place)
    SELECT $1, $2, e.place, e.other_part, e.other_place
      FROM jsonb_to_recordset($3) AS e (place tid, other_part oid, other_place tid)
     LIMIT GREATEST(1000 - (SELECT count(*) FROM asymm.duplicate_seen AS s WHERE s.watch_id = $1), 0)
    ON CONFLICT DO NOTHING;
    SELECT count(*) INTO v_count FROM asymm.duplicate_seen AS s WHERE s.watch_id = $1;
    IF v_count > 0 THEN
        PERFORM asymm._find('state', v_key, 'warning', 'entity:' || v.schema_name || '.' || v.table_name,
            format('%s rows of %s are duplicates of others', CASE WHEN v_count >= 1000 THEN 'at least 1000' ELSE v_count::text END, v_object),
            jsonb_build_object('duplicates', v_count, 'columns', v.columns),
            format('SELECT * FROM asymm.find_duplicates(%L, %L)', v_object, v.columns),
            format('See them; then SELECT * FROM asymm.merge_duplicates(%L, columns => %L); and a unique index.', v_object, v.columns));
    ELSE
        PERFORM asymm._close_findings('state', '{}', v_key);
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._keep_duplicates(bigint, oid, jsonb, jsonb) IS 'Keeps duplicates that were compared, and tells how many there are.';

CREATE OR REPLACE FUNCTION asymm._seen_duplicates(watch bigint) RETURNS SETOF asymm.duplicate_seen
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._require_watch(watch);
    RETURN QUERY SELECT s.* FROM asymm.duplicate_seen AS s WHERE s.watch_id = watch ORDER BY s.seen_at LIMIT 1000;
END
$$;
COMMENT ON FUNCTION asymm._seen_duplicates(bigint) IS 'Duplicates of a watched table that were noticed.';

CREATE OR REPLACE FUNCTION asymm._drop_duplicates_seen(watch bigint, part oid, places tid[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._require_watch(watch);
    DELETE FROM asymm.duplicate_seen AS s WHERE s.watch_id = watch AND s.part = _drop_duplicates_seen.part AND s.place = ANY (places);
END
$$;
COMMENT ON FUNCTION asymm._drop_duplicates_seen(bigint, oid, tid[]) IS 'Forgets duplicates that are none any more.';

CREATE OR REPLACE FUNCTION asymm._equal_rows(columns name[], part oid, place tid, other_part oid, other_place tid) RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_equal boolean;
BEGIN
    IF to_regclass(part::regclass::text) IS NULL OR NOT EXISTS (SELECT FROM pg_class AS c WHERE c.oid = other_part) THEN
        RETURN false;
    END IF;
    EXECUTE format('SELECT (SELECT %s FROM ONLY %s AS t WHERE t.ctid OPERATOR(pg_catalog.=) $1)
                           OPERATOR(pg_catalog.=) (SELECT %s FROM ONLY %s AS t WHERE t.ctid OPERATOR(pg_catalog.=) $2)',
                   asymm._hash_of_columns(part, columns, 't', false), part::regclass,
                   asymm._hash_of_columns(other_part, columns, 't', false), other_part::regclass) INTO v_equal USING place, other_place;
    RETURN COALESCE(v_equal, false);
END
$$;
COMMENT ON FUNCTION asymm._equal_rows(name[], oid, tid, oid, tid) IS 'Whether two rows are there still and equal by these columns.';

-- Runs as who calls: the rights are the actor's. With row_security off no policy of somebody's runs in it.
CREATE OR REPLACE FUNCTION asymm._look_for_duplicates(watch bigint, part oid, columns name[], block bigint, upto bigint, since xid) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off SET row_security = off
AS $$
DECLARE
    v_prints bigint[];
    v_places tid[];
    v_equal jsonb := '[]';
    v_others jsonb := '[]';
    v record;
BEGIN
    IF block = 0 THEN
        FOR v IN SELECT s.part, array_agg(s.place) AS places FROM asymm._seen_duplicates(watch) AS s
                  WHERE NOT asymm._equal_rows(columns, s.part, s.place, s.other_part, s.other_place) GROUP BY s.part LOOP
            PERFORM asymm._drop_duplicates_seen(watch, v.part, v.places);
        END LOOP;
    END IF;
    EXECUTE format(
        'SELECT pg_catalog.array_agg(pg_catalog.concat(''x'', pg_catalog.encode(pg_catalog.substring(r.hash, 1, 8), ''hex''))
                                     ::pg_catalog.varbit::pg_catalog.bit(64)::pg_catalog.int8), pg_catalog.array_agg(r.place)
           FROM (SELECT %s AS hash, t.ctid AS place FROM ONLY %s AS t
                  WHERE t.ctid OPERATOR(pg_catalog.>=) $1 AND t.ctid OPERATOR(pg_catalog.<) $2
                    AND ($3 IS NULL OR pg_catalog.age(t.xmin) OPERATOR(pg_catalog.<=) pg_catalog.age($3))) AS r',
        asymm._hash_of_columns(part, columns, 't', false), part::regclass)
       INTO v_prints, v_places USING format('(%s,0)', block)::tid, format('(%s,0)', upto)::tid, since;
    FOR v IN SELECT k.*, asymm._equal_rows(columns, part, k.place, k.other_part, k.other_place) AS equal
               FROM asymm._keep_prints(watch, part, upto, v_prints, v_places) AS k LIMIT 1000 LOOP
        IF v.equal THEN
            v_equal := v_equal || jsonb_build_object('place', v.place::text, 'other_part', v.other_part::bigint, 'other_place', v.other_place::text);
        ELSE
            v_others := v_others || jsonb_build_object('print', v.print, 'place', v.place::text);
        END IF;
    END LOOP;
    PERFORM asymm._keep_duplicates(watch, part, v_equal, v_others);
END
$$;
COMMENT ON FUNCTION asymm._look_for_duplicates(bigint, oid, name[], bigint, bigint, xid) IS 'Looks for duplicates among the new rows of some blocks.';

CREATE OR REPLACE FUNCTION asymm._observe_duplicates() RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v record;
    v_until constant timestamptz := clock_timestamp() + interval '300 ms';
BEGIN
    WHILE clock_timestamp() < v_until LOOP
        SELECT w.* INTO v FROM asymm._duplicate_work() AS w;
        EXIT WHEN NOT FOUND;
        BEGIN
            PERFORM asymm._look_for_duplicates(v.watch, v.part, v.columns, v.block, v.upto, v.since);
        EXCEPTION WHEN lock_not_available OR undefined_table OR undefined_column OR insufficient_privilege OR program_limit_exceeded THEN
            -- Locked, being changed, or with rows too large: at another time.
            PERFORM asymm._postpone_duplicates(v.watch, v.part);
        END;
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION asymm._observe_duplicates() IS 'Organ: notices new duplicates in the tables that watch_duplicates() names.';

CREATE OR REPLACE FUNCTION asymm._postpone_duplicates(watch bigint, part oid) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE asymm.duplicate_look AS k SET due_at = clock_timestamp() + interval '5 min'
     WHERE k.watch_id = watch AND k.part = _postpone_duplicates.part;
END
$$;
COMMENT ON FUNCTION asymm._postpone_duplicates(bigint, oid) IS 'Lets a table that could not be read wait.';
