-- Findings: what a sonar reports each time it looks, and what it no longer sees.

-- Private: only code of ours calls it, since an operator may run the query a finding names.
CREATE OR REPLACE FUNCTION asymm._find(
    sonar text, key text, severity text, node text, seen text, evidence jsonb DEFAULT '{}', query text DEFAULT NULL,
    recommended text DEFAULT NULL, action_id bigint DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_now constant timestamptz := clock_timestamp();
    v_key constant text := left($2, 1000);
    v_seen constant text := left($5, 2000);
    v_evidence constant jsonb := CASE WHEN pg_column_size($6) > 100000 THEN '{"cut": true}' ELSE COALESCE($6, '{}') END;
    v_id bigint;
    v_same boolean;
BEGIN
    SELECT f.id, f.last_seen_at > v_now - interval '1 min'
                 AND (f.severity, f.node, f.seen, f.evidence, f.query, f.recommended, f.action_id)
                     IS NOT DISTINCT FROM ($3, $4, v_seen, v_evidence, $7, $8, $9)
      INTO v_id, v_same
      FROM asymm.finding AS f WHERE f.sonar = $1 AND f.key = v_key AND f.closed_at IS NULL;
    -- What is seen at every look is written once a minute, unless it changed.
    IF v_same THEN
        RETURN v_id;
    END IF;
    -- One that comes and goes is one finding, not many.
    IF v_id IS NULL THEN
        SELECT f.id INTO v_id
          FROM asymm.finding AS f
         WHERE f.sonar = $1 AND f.key = v_key AND f.closed_at > v_now - interval '1 hour'
         ORDER BY f.closed_at DESC LIMIT 1;
    END IF;
    IF v_id IS NULL THEN
        INSERT INTO asymm.finding AS f (sonar, key, severity, node, seen, evidence, query, recommended, action_id)
        VALUES ($1, v_key, $3, $4, v_seen, v_evidence, $7, $8, $9)
        ON CONFLICT (sonar, key) WHERE closed_at IS NULL DO NOTHING
        RETURNING f.id INTO v_id;
        IF v_id IS NOT NULL THEN
            RETURN v_id;
        END IF;
        SELECT f.id INTO v_id FROM asymm.finding AS f WHERE f.sonar = $1 AND f.key = v_key AND f.closed_at IS NULL;
    END IF;
    UPDATE asymm.finding AS f
       SET severity = $3, node = $4, seen = v_seen, evidence = v_evidence, query = $7, recommended = $8, action_id = $9,
           times = f.times + (f.closed_at IS NOT NULL)::integer, last_seen_at = v_now, closed_at = NULL
     WHERE f.id = v_id;
    RETURN v_id;
END
$$;
COMMENT ON FUNCTION asymm._find(text, text, text, text, text, jsonb, text, text, bigint)
    IS 'Opens a finding or notes that it is still there; a key names it within its sonar. Returns its id.';

CREATE OR REPLACE FUNCTION asymm._close_findings(sonar text, keys text[], prefix text DEFAULT '') RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_closed bigint;
BEGIN
    UPDATE asymm.finding AS f SET closed_at = clock_timestamp()
     WHERE f.sonar = $1 AND f.closed_at IS NULL AND starts_with(f.key, $3)
       AND NOT EXISTS (SELECT FROM unnest($2) AS k (key) WHERE left(k.key, 1000) = f.key);
    GET DIAGNOSTICS v_closed = ROW_COUNT;
    RETURN v_closed;
END
$$;
COMMENT ON FUNCTION asymm._close_findings(text, text[], text)
    IS 'Closes what a sonar sees no more: its open findings whose key begins with the prefix and is not among those still there. Returns how many.';

CREATE OR REPLACE FUNCTION asymm._purge_findings() RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM asymm.finding AS f
     WHERE f.id IN (SELECT o.id FROM asymm.finding AS o
                     WHERE o.closed_at < clock_timestamp() - (asymm._settings()).retention LIMIT 10000);
END
$$;
COMMENT ON FUNCTION asymm._purge_findings() IS 'Removes findings that were closed longer ago than the retention.';

CREATE OR REPLACE VIEW asymm.finding_history AS
    SELECT f.id, f.sonar, f.severity, f.node, f.seen,
           CASE WHEN asymm._sees_statements() THEN f.evidence
                ELSE f.evidence - '{statement,statements,example,examples,plan,plans}'::text[] END AS evidence,
           f.query, f.recommended, f.action_id AS action, a.state AS action_state, f.times, f.opened_at, f.last_seen_at, f.closed_at, f.key
      FROM asymm.finding AS f LEFT JOIN asymm.action AS a ON a.id = f.action_id;
COMMENT ON VIEW asymm.finding_history IS 'Every finding that is kept, open (closed_at is NULL) or not; see asymm.findings.';

CREATE OR REPLACE VIEW asymm.findings AS
    SELECT h.id, h.sonar, h.severity, h.node, h.seen, h.evidence, h.query, h.recommended, h.action, h.action_state, h.times, h.opened_at,
           h.last_seen_at, h.key
      FROM asymm.finding_history AS h
     WHERE h.closed_at IS NULL
     ORDER BY array_position('{critical,warning,info}'::text[], h.severity), h.opened_at, h.id;
COMMENT ON VIEW asymm.findings
    IS 'What is wrong now, the worst first: node, what was seen, evidence, a query that shows it, what to do, and the proposal in asymm.actions if there is one.';
