-- What the DDL log holds that nobody has read: a look, a plan or a repair that it may have changed tells nothing.

-- DDL that was committed while we looked is in the log by now, since its row came with it. What it meant is unknown until
-- that row is read, so nothing may be concluded from a look it may have changed. (The ledger's own statements are no news to a repair.)
CREATE OR REPLACE FUNCTION asymm._ddl_unread(baseline bigint, ledger boolean) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM asymm.ddl_log l
                    WHERE NOT l.seen AND (ledger OR l.action_id IS NULL) AND l.xid IS DISTINCT FROM pg_current_xact_id_if_assigned()
                      AND (cardinality(l.object_ids) = 0
                           OR baseline IN (SELECT asymm._touched(l.class_ids, l.object_ids, l.parent_schemas, l.parent_names))));
END
$$;
COMMENT ON FUNCTION asymm._ddl_unread(bigint, boolean)
    IS 'Whether the log holds DDL that may be on an object and was not read yet; ledger: also of our own repairs.';

CREATE OR REPLACE FUNCTION asymm._require_read(baseline bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF asymm._ddl_unread(baseline, true) THEN
        RAISE EXCEPTION 'more DDL arrived while the object was looked at'
            USING ERRCODE = 'SY010', DETAIL = format('Baseline %s.', baseline), HINT = 'It is looked at again with the next beat.';
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._require_read(bigint) IS 'Raises SY010 when the log holds unread DDL on an object; internal, caught by the callers.';

-- What was committed between a look and its being noted down is still to be looked at.
CREATE OR REPLACE FUNCTION asymm._looked_before(baselines bigint[], snapshot pg_snapshot, at timestamptz) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE asymm.baseline_state AS s
       SET checked_snapshot = snapshot, checked_at = at,
           header = CASE WHEN EXISTS (SELECT FROM asymm.ddl_log l WHERE NOT l.seen AND NOT pg_visible_in_snapshot(l.xid, snapshot)
                                          AND l.xid IS DISTINCT FROM pg_current_xact_id_if_assigned())
                         THEN 'look again' ELSE s.header END
      FROM unnest(baselines) AS u (id) WHERE s.baseline_id = u.id
$$;
COMMENT ON FUNCTION asymm._looked_before(bigint[], pg_snapshot, timestamptz) IS 'Notes that watched objects were looked at at a moment that is past by now.';
