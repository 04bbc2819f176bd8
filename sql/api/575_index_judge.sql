-- Keep, take back, or look again.

-- Why what is approved is not begun yet: there is nothing to compare with. NULL when there is. What was seen before another index
-- was made or dropped that its queries may use is of no use.
CREATE OR REPLACE FUNCTION asymm._before_waits(action bigint) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_changed timestamptz;
BEGIN
    SELECT max(c.ended) INTO v_changed
      FROM asymm.index_action AS i JOIN asymm.action AS a ON a.id = i.action_id
      JOIN asymm._index_changes((SELECT min(m.at) FROM asymm.query_mark AS m)) AS c
           ON c.relid = i.relid
              OR EXISTS (SELECT FROM asymm.query_look AS k
                          WHERE k.query_id = ANY (asymm._advised_queries(a.evidence_before)) AND c.relid = ANY (k.relations))
     WHERE i.action_id = _before_waits.action;
    RETURN (
        SELECT format('its queries are measured as they are (look %s of 5)', l.looks)
          FROM asymm.index_action AS i JOIN asymm.action AS a ON a.id = i.action_id
         CROSS JOIN LATERAL (
               SELECT CASE WHEN v_changed IS NULL THEN i.looks
                           ELSE LEAST(i.looks, (SELECT count(DISTINCT m.at) FROM asymm.query_mark AS m WHERE m.at > v_changed)) END AS looks) AS l
         WHERE i.action_id = action AND l.looks < 5 AND a.kind <> 'reindex'
           AND asymm._statements_schema() IS NOT NULL AND EXISTS (SELECT FROM asymm.query));
END
$$;
COMMENT ON FUNCTION asymm._before_waits(bigint) IS 'Why an approved index waits for looks at its queries; NULL when it need not.';

-- The verdict on what was measured: keep, revert or NULL, and why.
CREATE OR REPLACE FUNCTION asymm._index_verdict(
    kind text, age interval, looks integer, scans bigint, measured jsonb, settings asymm.index_setting, OUT verdict text, OUT why text,
    OUT suspect bigint)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v record;
    v_slow record;
BEGIN
    SELECT COALESCE(sum(q.saved_ms_per_hour) FILTER (WHERE q.high < 1), 0) AS saved,
           -COALESCE(sum(q.saved_ms_per_hour) FILTER (WHERE q.low > 1), 0) AS lost,
           count(*) FILTER (WHERE q.high < 1) AS faster, count(*) FILTER (WHERE q.high < 1 + settings.max_regression) AS unharmed,
           count(*) FILTER (WHERE q.high IS NOT NULL) AS judged,
           COALESCE(bool_and(q.calls >= 20) FILTER (WHERE q.advised), false) AS called,
           COALESCE(bool_and(q.calls >= 100 AND q.ratio > 0.9) FILTER (WHERE q.advised), false) AS futile,
           -- As it was, or apart from that by no more than noise is.
           bool_and(q.ratio < 1 + settings.max_regression / 2 OR q.low < 0.9 AND q.ratio < 1.25) AS harmless
      INTO v
      FROM jsonb_to_recordset(measured) AS q (ratio float8, low float8, high float8, saved_ms_per_hour float8, calls bigint, advised boolean);
    -- Rows are written a little slower with every index: what counts there is the sum. Of one window it isn't known how much it may differ
    -- from the next, and the first is the one in which pages are read anew.
    SELECT q.query, q.ratio, q.low INTO v_slow
      FROM jsonb_to_recordset(measured) AS q (query bigint, command text, windows integer, ratio float8, low float8, saved_ms_per_hour float8,
                                                 uses boolean)
     WHERE q.windows > 1 AND q.uses IS NOT FALSE AND q.low > 1 + settings.max_regression
       AND (q.command = 'select' OR kind = 'drop index') AND -q.saved_ms_per_hour > v.saved * 0.02
     ORDER BY q.saved_ms_per_hour LIMIT 1;
    IF v_slow.query IS NOT NULL THEN
        verdict := 'revert';
        suspect := v_slow.query;
        why := format('query %s takes %s times as long (at least %s)', v_slow.query, round(v_slow.ratio::numeric, 2), round(v_slow.low::numeric, 2));
    ELSIF v.lost > v.saved AND v.lost > 0 AND looks >= 3 THEN
        verdict := 'revert';
        why := format('it costs %s ms an hour and saves %s', round(v.lost::numeric, 1), round(v.saved::numeric, 1));
    ELSIF kind = 'drop index' THEN
        IF age >= settings.validation_max
           OR age >= settings.validation_min AND (looks >= 4 AND v.unharmed = v.judged OR looks >= 8 AND v.harmless IS NOT FALSE) THEN
            verdict := 'keep';
            why := 'no query became slower';
        END IF;
    ELSIF age >= settings.validation_min AND looks >= 4 AND v.faster > 0 AND scans > 0 THEN
        verdict := 'keep';
        why := format('it saves %s ms an hour', round((v.saved - v.lost)::numeric, 1));
    ELSIF scans = 0 AND (age >= settings.validation_max OR age >= settings.validation_min AND looks >= 4 AND v.called) THEN
        verdict := 'revert';
        why := 'it was not used';
    -- While it is looked at no other index of the table is.
    ELSIF age >= settings.validation_max OR age >= settings.validation_min AND looks >= 16 AND v.futile THEN
        verdict := 'revert';
        why := 'no query became measurably faster';
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._index_verdict(text, interval, integer, bigint, jsonb, asymm.index_setting)
    IS 'Whether what was measured says keep or revert, why, and by which query that got slower; NULL: look again.';

-- A build tells the planner how much of the table is visible to all, and has every plan made anew: a query may get another plan that
-- has nothing to do with the index, and keeps it without.
CREATE OR REPLACE FUNCTION asymm._query_uses(query bigint, i asymm.index_action) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT bool_or(jsonb_path_exists(p.plan, '$.**."Index Name" ? (@ == $name)', jsonb_build_object('name', i.index_name)))
          FROM asymm.query_plan AS p WHERE p.query_id = query AND p.last_seen > GREATEST(i.built_at, clock_timestamp() - interval '10 min'));
END
$$;
COMMENT ON FUNCTION asymm._query_uses(bigint, asymm.index_action) IS 'Whether a plan of a query that was seen since an index was built, and lately, uses it; NULL: none was seen.';

CREATE OR REPLACE FUNCTION asymm._index_suspects() RETURNS TABLE (query bigint, statement text, path text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._require_session();
    RETURN QUERY
    WITH looked AS (
        UPDATE asymm.query_look AS k SET at = clock_timestamp()
          FROM asymm.index_action AS i JOIN asymm.action AS a ON a.id = i.action_id
         WHERE a.state = 'applied' AND k.query_id = (a.evidence_after ->> 'suspect')::bigint AND asymm._may_act(a.owner)
           AND k.at <= GREATEST(i.built_at, clock_timestamp() - interval '10 min')
        RETURNING k.query_id)
    SELECT q.id, q.statement, asymm._path_of(r.rolname)
      FROM looked AS l JOIN asymm.query AS q ON q.id = l.query_id AND q.toplevel JOIN pg_roles AS r ON r.oid = q.role_id;
END
$$;
COMMENT ON FUNCTION asymm._index_suspects() IS 'Queries that got slower since an index was built, whose plan says whether by it; booked as looked at.';

CREATE OR REPLACE FUNCTION asymm._judge_index(action bigint) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_a asymm.action;
    v_i asymm.index_action;
    v_measured jsonb;
    v_noise double precision;
    v_scans bigint;
    v_verdict record;
    v_suspect bigint;
BEGIN
    SELECT a.* INTO v_a FROM asymm.action AS a WHERE a.id = action AND a.state = 'applied' FOR UPDATE;
    SELECT i.* INTO v_i FROM asymm.index_action AS i WHERE i.action_id = v_a.id;
    IF NOT FOUND THEN
        RETURN NULL;
    ELSIF v_a.kind = 'create index' AND NOT EXISTS (SELECT FROM pg_class AS c WHERE c.oid = v_i.index_id) THEN
        PERFORM asymm._set_action_state(action, 'expired', 'somebody dropped the index or its table');
        RETURN 'expired';
    END IF;
    SELECT COALESCE(jsonb_agg(jsonb_strip_nulls(to_jsonb(m) - '{noise,controls}'::text[] || jsonb_build_object('uses',
                        CASE WHEN v_a.kind = 'create index' AND m.low > 1 THEN asymm._query_uses(m.query, v_i) END))), '[]'), max(m.noise)
      INTO v_measured, v_noise
      FROM asymm._measure_index(action) AS m;
    v_scans := COALESCE(pg_stat_get_numscans(v_i.index_id) - v_i.scans_before, 0);
    v_verdict := asymm._index_verdict(v_a.kind, clock_timestamp() - v_i.built_at, v_i.looks, v_scans, v_measured, asymm._index_settings());
    -- Its plan is looked at first, before the next look.
    IF v_a.kind = 'create index' AND EXISTS (SELECT FROM asymm.query_look AS k JOIN asymm.query AS q ON q.id = k.query_id AND q.toplevel
                                              WHERE k.query_id = v_verdict.suspect
                                                AND k.at <= GREATEST(v_i.built_at, clock_timestamp() - interval '10 min')) THEN
        v_suspect := v_verdict.suspect;
    END IF;
    UPDATE asymm.action AS a
       SET evidence_after = jsonb_build_object(
               'queries', v_measured, 'scans', v_scans, 'looks', v_i.looks, 'confidence', (asymm._index_settings()).validation_confidence,
               'noise', v_noise,
               'saved_ms_per_hour', (SELECT COALESCE(sum(q.saved_ms_per_hour), 0)
                                       FROM jsonb_to_recordset(v_measured) AS q (saved_ms_per_hour float8, low float8, high float8)
                                      WHERE q.high < 1 OR q.low > 1))
                            || CASE WHEN v_suspect IS NOT NULL THEN jsonb_build_object('suspect', v_suspect) ELSE '{}' END
     WHERE a.id = action;
    IF v_suspect IS NOT NULL THEN
        RETURN NULL;
    ELSIF v_verdict.verdict = 'keep' THEN
        PERFORM asymm._set_action_state(action, 'verified', v_verdict.why);
    ELSIF v_verdict.verdict = 'revert' THEN
        PERFORM asymm._begin_index_back(action, v_verdict.why);
    END IF;
    RETURN v_verdict.verdict;
END
$$;
COMMENT ON FUNCTION asymm._judge_index(bigint) IS 'Measures what an index brought and keeps it, has it taken back or leaves it for another look.';

CREATE OR REPLACE FUNCTION asymm._validate_indexes() RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_set asymm.index_setting := asymm._index_settings();
    v_last timestamptz := (SELECT max(m.at) FROM asymm.query_mark AS m);
    v_built timestamptz;
    v_id bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM asymm.index_action AS i JOIN asymm.action AS a ON a.id = i.action_id
                    WHERE a.state = 'applied' OR a.state = 'approved' AND asymm._before_waits(a.id) IS NOT NULL) THEN
        RETURN;
    END IF;
    -- Often at first, ever less often later: a gain shows at once or slowly.
    SELECT max(i.built_at) INTO v_built FROM asymm.index_action AS i JOIN asymm.action AS a ON a.id = i.action_id WHERE a.state = 'applied';
    IF v_last > clock_timestamp() - GREATEST(v_set.validation_min / 8,
                                             LEAST((clock_timestamp() - COALESCE(v_built, clock_timestamp())) / 16, interval '15 min')) THEN
        RETURN;
    END IF;
    PERFORM asymm._observe_queries();
    PERFORM asymm._mark_queries();
    PERFORM asymm._begin_index_back(a.id, l.lacks)
       FROM asymm.index_action AS i JOIN asymm.action AS a ON a.id = i.action_id CROSS JOIN LATERAL asymm._index_lacks(a.id) AS l
      WHERE a.state = 'applied' AND a.kind = 'create index' AND l.gone AND l.since > i.ordered_at AND asymm._may_act(a.owner);
    FOR v_id IN
        SELECT a.id FROM asymm.index_action AS i JOIN asymm.action AS a ON a.id = i.action_id
         WHERE a.state = 'applied' AND asymm._may_act(a.owner)
           -- What only pays together is judged together.
           AND NOT EXISTS (SELECT FROM asymm.index_action AS oi JOIN asymm.action AS o ON o.id = oi.action_id
                            WHERE o.state IN ('approved', 'applying')
                              AND (oi.index_name = ANY (i.requires) OR o.evidence_before ->> 'called' = ANY (i.requires)))
         ORDER BY a.id
    LOOP
        PERFORM asymm._judge_index(v_id);
    END LOOP;
END
$$;
COMMENT ON FUNCTION asymm._validate_indexes() IS 'Takes a look when one is due, and judges the indexes that are validated.';

-- Advice that nobody wanted, or whose table is not what it was.
CREATE OR REPLACE FUNCTION asymm._expire_advice() RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v record;
BEGIN
    FOR v IN
        SELECT a.id, CASE WHEN c.oid IS NULL THEN 'the table is gone' WHEN n.nspname <> a.schema_name OR c.relname <> a.object_name
                          THEN 'the table is called otherwise' ELSE 'nobody approved it' END AS why
          FROM asymm.action AS a
          JOIN asymm.index_action AS i ON i.action_id = a.id
          LEFT JOIN pg_class AS c ON c.oid = i.relid
          LEFT JOIN pg_namespace AS n ON n.oid = c.relnamespace
         WHERE a.state = 'proposed' AND a.created_at < clock_timestamp() - (asymm._index_settings()).advice_expires
            OR a.state IN ('proposed', 'approved') AND (n.nspname, c.relname) IS DISTINCT FROM (a.schema_name, a.object_name)
           FOR UPDATE OF a SKIP LOCKED
    LOOP
        PERFORM asymm._set_action_state(v.id, 'expired', v.why);
    END LOOP;
END
$$;
COMMENT ON FUNCTION asymm._expire_advice() IS 'Ends advice that was not approved in time, or whose table is gone or renamed.';
