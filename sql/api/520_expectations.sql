-- Contracts: what a statement may cost, looked at again in every round of the organ.

-- The mean of the step of time in which it was called last, by whoever ran it by that text.
CREATE OR REPLACE FUNCTION asymm._seen_latency(statement text) RETURNS interval
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    v_since timestamptz := clock_timestamp() - interval '1 hour';
    v_slots smallint[] := asymm._load_slots(v_since);
BEGIN
    RETURN (SELECT make_interval(secs => sum(l.exec_ms) / sum(l.calls) / 1000)
              FROM asymm.query_load AS l
             WHERE l.slot = ANY (v_slots) AND l.at > v_since AND l.calls > 0
               AND l.query_id IN (SELECT q.id FROM asymm.query AS q WHERE q.statement = _seen_latency.statement)
             GROUP BY l.at ORDER BY l.at DESC LIMIT 1);
END
$$;
COMMENT ON FUNCTION asymm._seen_latency(text) IS 'Mean time of a call in the last step of the past hour in which a statement was called; NULL: it was not.';

-- Those looked at longest ago. While nothing changed that its plan goes by, what one costs is known, for ten minutes at most.
CREATE OR REPLACE FUNCTION asymm._expectations_due(count integer) RETURNS TABLE (id bigint, statement text, path text, known jsonb)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_now constant timestamptz := clock_timestamp();
    v_count constant integer := GREATEST(0, LEAST(_expectations_due.count, 1000));
    v_settings constant text := asymm._planner_settings();
BEGIN
    RETURN QUERY
    WITH due AS MATERIALIZED (
        SELECT e.id, e.statement, e.path, e.latency, s.cost, s.blame, s.checked_at, b.now,
               s.cost IS NOT NULL AND s.basis = b.now AND s.checked_by = session_user AND s.planned_at > v_now - interval '10 min' IS TRUE AS same
          FROM asymm.expectation AS e LEFT JOIN asymm.expectation_state AS s ON s.expectation_id = e.id
         CROSS JOIN LATERAL (SELECT asymm._plan_basis(s.read) || ' ' || v_settings) AS b (now)
         ORDER BY s.checked_at NULLS FIRST, e.id LIMIT 5 * v_count),
    changed AS MATERIALIZED (SELECT d.* FROM due AS d WHERE d.same IS NOT TRUE ORDER BY d.checked_at NULLS FIRST, d.id LIMIT v_count),
    booked AS (
        UPDATE asymm.expectation_state AS s SET basis = c.now, planned_at = v_now FROM changed AS c WHERE s.expectation_id = c.id),
    kept AS (
        UPDATE asymm.expectation_state AS s SET checked_at = v_now FROM due AS d WHERE s.expectation_id = d.id AND d.same AND d.latency IS NULL)
    SELECT c.id, c.statement, c.path, NULL::jsonb FROM changed AS c
    UNION ALL
    SELECT d.id, d.statement, d.path, jsonb_build_object('cost', d.cost, 'blame', d.blame) FROM due AS d WHERE d.same AND d.latency IS NOT NULL;
END
$$;
COMMENT ON FUNCTION asymm._expectations_due(integer) IS 'The expectations that were looked at longest ago, with what is known of those whose plan cannot have changed.';

CREATE OR REPLACE FUNCTION asymm._record_expectation(expectation bigint, seen jsonb) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_cost asymm.cost := (seen ->> 'cost')::asymm.cost;
    v_blame jsonb := asymm._small_blame(seen -> 'blame');
    v_latency interval;
    v_state text;
    v_broken text;
    v_reason text;
    v_query bigint;
    e asymm.expectation;
BEGIN
    SELECT x.* INTO e FROM asymm.expectation AS x WHERE x.id = expectation FOR KEY SHARE;
    IF e.id IS NULL THEN
        RETURN NULL;
    END IF;
    v_latency := CASE WHEN e.latency IS NOT NULL THEN asymm._seen_latency(e.statement) END;
    v_state := CASE WHEN v_cost > e.cost OR v_latency > e.latency THEN 'broken'
                    WHEN v_cost IS NULL AND (e.cost IS NOT NULL OR v_latency IS NULL) THEN 'unknown'
                    WHEN e.cost IS NULL AND v_latency IS NULL THEN 'unknown' ELSE 'kept' END;
    v_broken := concat_ws('; ', CASE WHEN v_cost > e.cost THEN format('%s instead of %s', v_cost, e.cost) END,
                          CASE WHEN v_latency > e.latency THEN format('%s ms a call instead of %s ms', round(EXTRACT(epoch FROM v_latency) * 1000, 1),
                                                                      round(EXTRACT(epoch FROM e.latency) * 1000, 1)) END);
    v_reason := concat_ws('; ', NULLIF(v_broken, ''), CASE WHEN v_cost IS NULL THEN left(seen ->> 'reason', 1000) END,
                          CASE WHEN e.latency IS NOT NULL AND v_latency IS NULL THEN 'no calls of this text were counted in the last hour' END);
    -- An actor that may not plan it says nothing against one that may.
    INSERT INTO asymm.expectation_state AS s (expectation_id, state, checked_by, cost, blame, latency, reason, read)
    VALUES (e.id, v_state, session_user, v_cost, v_blame, v_latency, NULLIF(v_reason, ''),
            CASE WHEN jsonb_typeof(seen -> 'read') = 'array' THEN ARRAY(SELECT jsonb_array_elements_text(seen -> 'read')::oid) END)
    ON CONFLICT (expectation_id) DO UPDATE
       SET state = EXCLUDED.state, checked_by = EXCLUDED.checked_by, cost = EXCLUDED.cost, blame = EXCLUDED.blame, latency = EXCLUDED.latency,
           reason = EXCLUDED.reason, checked_at = clock_timestamp(), read = CASE WHEN seen ? 'read' THEN EXCLUDED.read ELSE s.read END,
           since = CASE WHEN s.state = EXCLUDED.state THEN s.since ELSE clock_timestamp() END
     WHERE NOT (EXCLUDED.state = 'unknown' AND s.state <> 'unknown' AND s.checked_by <> EXCLUDED.checked_by
                AND s.checked_at > clock_timestamp() - interval '10 min')
    RETURNING s.state INTO v_state;
    IF v_state IS NULL THEN
        RETURN NULL;
    ELSIF v_state = 'broken' THEN
        SELECT min(q.id) INTO v_query FROM asymm.query AS q WHERE q.statement = e.statement;
        PERFORM asymm._find('contract', format('expectation %s.', e.id), 'warning', COALESCE('query:' || v_query, '*'),
            format('Expectation %s is broken: %s%s.', e.id, v_broken,
                   CASE WHEN v_cost > e.cost THEN concat('; to blame is ', v_blame ->> 'node', ' on ' || (v_blame ->> 'relation')) END),
            jsonb_strip_nulls(jsonb_build_object('expectation', e.id, 'expected_cost', e.cost, 'cost', v_cost, 'place', v_blame -> 'place',
                'node', v_blame -> 'node', 'relation', v_blame -> 'relation', 'plan', v_blame -> 'condition', 'statement', left(e.statement, 10000),
                'expected_ms', EXTRACT(epoch FROM e.latency) * 1000, 'ms', EXTRACT(epoch FROM v_latency) * 1000)),
            format('SELECT * FROM asymm.broken_expectations WHERE expectation = %s', e.id),
            'Look at the plan: SELECT * FROM asymm.observe_cost(…) names an index that would help, if one is known.');
    ELSE
        PERFORM asymm._close_findings('contract', '{}', format('expectation %s.', e.id));
    END IF;
    RETURN v_state;
END
$$;
COMMENT ON FUNCTION asymm._record_expectation(bigint, jsonb) IS 'Writes down whether an expectation is kept, given what asymm._cost_of() saw; a broken one is a finding.';

-- With the actor's rights, as plans are looked at: planning may run the code of the owner it acts for, and nobody else's.
CREATE OR REPLACE FUNCTION asymm._check_expectations() RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_ids bigint[] := '{}';
    v_planned jsonb[] := '{}';
    v record;
BEGIN
    -- All are planned first: what planning makes and takes back has the server forget plans of our own.
    FOR v IN SELECT d.* FROM asymm._expectations_due(20) AS d LOOP
        IF v.known IS NOT NULL THEN
            PERFORM asymm._record_expectation(v.id, v.known);
            CONTINUE;
        END IF;
        v_ids := v_ids || v.id;
        v_planned := v_planned || asymm._plan_statement(v.statement, v.path);
    END LOOP;
    FOR v_n IN 1 .. cardinality(v_ids) LOOP
        PERFORM asymm._record_expectation(v_ids[v_n], asymm._cost_of(v_planned[v_n])
                                                      || jsonb_build_object('read', asymm._planned_relations(v_planned[v_n])));
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION asymm._check_expectations() IS 'Organ: plans what people have expectations of and compares.';

CREATE OR REPLACE VIEW asymm.expectations AS
    SELECT e.id AS expectation, CASE WHEN asymm._sees_statements() THEN e.statement END AS statement, e.cost, e.latency,
           COALESCE(s.state, 'unknown') AS state, s.since, s.cost AS seen_cost, s.latency AS seen_latency, s.blame ->> 'place' AS place,
           s.blame ->> 'node' AS node, s.blame ->> 'relation' AS relation,
           CASE WHEN asymm._sees_statements() THEN s.blame ->> 'condition' END AS condition,
           CASE WHEN s.expectation_id IS NULL THEN 'not looked at yet' WHEN s.state <> 'unknown' OR asymm._sees_statements() THEN s.reason
           END AS reason,
           s.checked_at, e.declared_by, e.declared_at
      FROM asymm.expectation AS e LEFT JOIN asymm.expectation_state AS s ON s.expectation_id = e.id;
COMMENT ON VIEW asymm.expectations IS 'What asymm.expect() was told, whether it is kept, broken or unknown, what was seen instead, and the node of the plan to blame.';

CREATE OR REPLACE VIEW asymm.broken_expectations AS
    SELECT e.* FROM asymm.expectations AS e WHERE e.state = 'broken' ORDER BY e.since;
COMMENT ON VIEW asymm.broken_expectations IS 'Expectations that are broken now, the longest first.';

CREATE OR REPLACE FUNCTION asymm._declare_expectation(statement text, path text, cost asymm.cost, latency interval) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_id bigint;
BEGIN
    PERFORM asymm._require_session();
    INSERT INTO asymm.expectation AS e (statement, path, cost, latency, declared_by)
    VALUES (_declare_expectation.statement, _declare_expectation.path, _declare_expectation.cost, _declare_expectation.latency, asymm._caller())
    ON CONFLICT (md5(statement), path) DO UPDATE
       SET cost = EXCLUDED.cost, latency = EXCLUDED.latency, declared_by = EXCLUDED.declared_by, declared_at = clock_timestamp()
    RETURNING e.id INTO v_id;
    RETURN v_id;
END
$$;
COMMENT ON FUNCTION asymm._declare_expectation(text, text, asymm.cost, interval) IS 'Writes an expectation, or changes the one for the same text and path.';

CREATE OR REPLACE FUNCTION asymm.expect(query text, cost text DEFAULT NULL, latency interval DEFAULT NULL, path text DEFAULT NULL)
RETURNS SETOF asymm.expectations
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_statement text := asymm._bare_statement(asymm._require_text(query, 'query'));
    v_path text := COALESCE(path, asymm._path_of(session_user));
    v_planned jsonb;
    v_id bigint;
BEGIN
    IF cost IS NULL AND latency IS NULL THEN
        RAISE EXCEPTION 'nothing is expected'
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'Neither a cost nor a latency is given.',
                  HINT = 'SELECT * FROM asymm.expect(''SELECT …'', cost => ''O(log n)'', latency => ''100 ms'');';
    ELSIF latency <= '0' THEN
        RAISE EXCEPTION 'latency % is not positive', latency
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'A latency is the mean time of a call.',
                  HINT = 'SELECT * FROM asymm.expect(''SELECT …'', latency => ''100 ms'');';
    ELSIF asymm._command(v_statement) IS NULL OR v_statement ~ '[;\\]' OR length(v_statement) > 100000 THEN
        RAISE EXCEPTION 'query is not a statement that can be planned'
            USING ERRCODE = 'invalid_parameter_value',
                  DETAIL = 'It is one SELECT, INSERT, UPDATE, DELETE or MERGE of at most 100,000 characters, without semicolon and backslash.',
                  HINT = 'SELECT * FROM asymm.expect(''SELECT … WHERE id = $1'', cost => ''O(log n)'');';
    END IF;
    v_planned := asymm._plan_statement(v_statement, v_path);
    IF asymm._protects() AND COALESCE(v_planned ->> 'touched', '?') <> '' AND v_statement <> asymm._without_constants(v_statement) THEN
        RAISE EXCEPTION 'a statement with constants cannot be kept'
            USING ERRCODE = 'SY020', DETAIL = COALESCE(format('It touches %s, which is protected or may read what is.', v_planned ->> 'touched'),
                                                       'What it touches is not known: ' || (v_planned ->> 'reason')),
                  HINT = 'Write parameters for the constants: … WHERE email = $1.';
    END IF;
    v_id := asymm._declare_expectation(v_statement, v_path, asymm.to_cost(cost), latency);
    PERFORM asymm._record_expectation(v_id, asymm._cost_of(v_planned));
    RETURN QUERY SELECT e.* FROM asymm.expectations AS e WHERE e.expectation = v_id;
END
$$;
COMMENT ON FUNCTION asymm.expect(text, text, interval, text)
    IS 'Declares what a statement may cost: a complexity class and a mean latency. It is planned now and in every round; a broken one is a finding. Names are looked up by path, else as your sessions begin. Raises 22023, and SY020 for constants next to protected columns.';

CREATE OR REPLACE FUNCTION asymm.expect(query bigint, cost text DEFAULT NULL, latency interval DEFAULT NULL)
RETURNS SETOF asymm.expectations
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT e.* FROM asymm._known_statement(query) AS k CROSS JOIN LATERAL asymm.expect(k.statement, cost, latency, k.path) AS e;
END
$$;
COMMENT ON FUNCTION asymm.expect(bigint, text, interval) IS 'The same for a statement of asymm.queries, by its number: its text is what is kept. Raises 42704, 22023.';

CREATE OR REPLACE FUNCTION asymm._forget_expectation(expectation bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._require_session();
    PERFORM asymm._close_findings('contract', '{}', format('expectation %s.', expectation));
    DELETE FROM asymm.expectation AS x WHERE x.id = expectation;
END
$$;
COMMENT ON FUNCTION asymm._forget_expectation(bigint) IS 'Deletes an expectation and closes its finding.';

CREATE OR REPLACE FUNCTION asymm.unexpect(expectation bigint) RETURNS SETOF asymm.expectations
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT e.* FROM asymm.expectations AS e WHERE e.expectation = unexpect.expectation;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'expectation % does not exist', COALESCE(expectation::text, 'NULL')
            USING ERRCODE = CASE WHEN expectation IS NULL THEN 'null_value_not_allowed' ELSE 'undefined_object' END,
                  DETAIL = format('There are %s.', (SELECT count(*) FROM asymm.expectations)),
                  HINT = 'SELECT expectation, statement FROM asymm.expectations;';
    END IF;
    PERFORM asymm._forget_expectation(expectation);
END
$$;
COMMENT ON FUNCTION asymm.unexpect(bigint) IS 'Takes an expectation back and closes its finding; returns what it was. Raises 42704.';
