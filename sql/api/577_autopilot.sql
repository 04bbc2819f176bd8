-- What autopilot does by itself with advice that was there before it, and statistics for what was built.

CREATE OR REPLACE FUNCTION asymm._approve_proposed() RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v record;
    v_hold text;
    v_room bigint;
BEGIN
    PERFORM asymm._require_session();
    IF (asymm._index_settings()).autopilot <> 'on' OR EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = asymm._caller() AND r.rolsuper) THEN
        RETURN;
    END IF;
    FOR v IN SELECT a.id, a.kind, a.reason, a.evidence_before, i.relid
               FROM asymm.action AS a JOIN asymm.index_action AS i ON i.action_id = a.id JOIN pg_class AS c ON c.oid = i.relid
              WHERE a.state = 'proposed' AND asymm._may_act(a.owner)
              ORDER BY (a.evidence_before ->> 'saved_ms_per_hour')::float8 DESC NULLS LAST, a.id FOR UPDATE OF a SKIP LOCKED LOOP
        v_room := COALESCE(v_room, asymm._index_budget() - asymm._index_bytes());
        v_hold := asymm._index_hold(v.kind, v.relid, v.evidence_before, v_room);
        IF v_hold IS NULL THEN
            v_room := v_room - CASE WHEN v.kind = 'create index' THEN COALESCE((v.evidence_before ->> 'size_bytes')::numeric, 0) ELSE 0 END::bigint;
            PERFORM asymm._set_action_state(v.id, 'approved', 'autopilot');
        ELSIF v_hold <> v.reason THEN
            UPDATE asymm.action AS a SET reason = v_hold WHERE a.id = v.id;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION asymm._approve_proposed() IS 'Approves what was proposed, as far as autopilot is on and may; says what holds the rest.';

CREATE OR REPLACE FUNCTION asymm.autopilot(mode text) RETURNS TABLE (autopilot text, approved bigint, proposed bigint, note text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_mode text := asymm._require_text(mode, 'mode');
BEGIN
    PERFORM asymm.configure_indexes(autopilot => v_mode);
    IF v_mode <> 'on' THEN
        -- What it approved itself and has not begun goes back to be asked for.
        PERFORM asymm._set_action_state(a.id, 'proposed', format('autopilot is %s', v_mode))
           FROM asymm.action AS a WHERE a.state = 'approved' AND asymm._is_index_kind(a.kind) AND a.reason = 'autopilot';
    END IF;
    RETURN QUERY
        SELECT v_mode, count(*) FILTER (WHERE a.state = 'approved'), count(*) FILTER (WHERE a.state = 'proposed'),
               CASE v_mode WHEN 'on' THEN 'advice is approved, built, measured, and kept or taken back; see asymm.advice'
                           WHEN 'propose' THEN 'advice is proposed in asymm.advice and waits for asymm.approve()'
                           ELSE 'nothing is proposed or built; what runs is finished' END
          FROM asymm.action AS a WHERE asymm._is_index_kind(a.kind);
END
$$;
COMMENT ON FUNCTION asymm.autopilot(text)
    IS 'Switches indexes to on (approves, builds, measures, takes back), propose (a person approves) or off; returns what is approved and proposed. Raises 22004, 22023.';

-- An index on an expression serves the planner only when there are statistics of it. A table that is locked waits.
CREATE OR REPLACE FUNCTION asymm._tables_to_analyze() RETURNS SETOF regclass
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT DISTINCT i.relid::regclass FROM asymm.index_action AS i
      JOIN asymm.action AS a ON a.id = i.action_id JOIN pg_index AS x ON x.indexrelid = i.index_id
     WHERE a.state = 'applied' AND a.kind = 'create index' AND NOT i.analyzed AND x.indexprs IS NOT NULL AND asymm._may_act(a.owner)
$$;
COMMENT ON FUNCTION asymm._tables_to_analyze() IS 'Tables with a new index on an expression, of which there are no statistics yet.';

CREATE OR REPLACE FUNCTION asymm._was_analyzed(relation regclass) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE asymm.index_action AS i SET analyzed = true
      FROM asymm.action AS a WHERE a.id = i.action_id AND i.relid = relation AND a.state = 'applied' AND asymm._may_act(a.owner)
$$;
COMMENT ON FUNCTION asymm._was_analyzed(regclass) IS 'Notes that a table was analyzed after its indexes were built.';

CREATE OR REPLACE FUNCTION asymm._analyze_tables() RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_table regclass;
BEGIN
    FOR v_table IN SELECT t FROM asymm._tables_to_analyze() AS t LOOP
        EXECUTE format('ANALYZE (SKIP_LOCKED) %s', v_table);
        PERFORM asymm._was_analyzed(v_table);
    END LOOP;
END
$$;
COMMENT ON FUNCTION asymm._analyze_tables() IS 'Gathers statistics for new indexes on expressions, with the caller''s rights.';
