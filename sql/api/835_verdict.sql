-- One verdict with what pulls it down. The arithmetic of its figure is asymm.explain_score('shm').

CREATE OR REPLACE FUNCTION asymm._counted(number bigint, one text, many text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN CASE WHEN number = 1 THEN '1 ' || one WHEN number > 1 THEN number || ' ' || many END;
END
$$;
COMMENT ON FUNCTION asymm._counted(bigint, text, text) IS 'A number with its noun; NULL if it is none.';

CREATE OR REPLACE FUNCTION asymm._verdict() RETURNS TABLE (
    at timestamptz, status text, headline text, shm double precision, ux double precision, semantic double precision, state double precision,
    regime text, not_measured text[], reasons text[])
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED ROWS 1
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_health record;
    v_vitals asymm.vitals;
    v_word text;
    v_worst text[];
BEGIN
    SELECT h.* INTO v_health FROM asymm.health() AS h;
    SELECT v.* INTO v_vitals FROM asymm.vitals AS v;
    v_word := CASE asymm._status_word(v_health.shm) WHEN 'excellent' THEN 'good' WHEN 'ok' THEN 'fair' ELSE asymm._status_word(v_health.shm) END;
    -- What is wrong by itself, whatever the scores say: how bad it is, then what to say of it.
    SELECT array_agg(r.level ORDER BY r.place), array_agg(r.reason ORDER BY r.place) INTO v_worst, reasons
      FROM (SELECT row_number() OVER (ORDER BY array_position('{critical,warning,fair}', w.level), w.place) AS place, w.level, w.reason
              FROM (VALUES
               (1, 'critical', CASE WHEN v_vitals.seq IS NOT NULL AND NOT v_vitals.beating THEN
                   format('no beat for %s s', round(EXTRACT(epoch FROM v_vitals.beat_age))) END),
               (2, 'critical', asymm._counted(v_vitals.critical, 'critical finding', 'critical findings')),
               (3, 'warning', CASE WHEN v_vitals.mirror_state IN ('gone', 'refused', 'unsafe', 'no worker') THEN
                   format('mirror: %s', v_vitals.mirror_state) END),
               (4, 'warning', asymm._counted(v_vitals.drifted, 'difference from what was declared', 'differences from what was declared')),
               (5, 'warning', asymm._counted(v_vitals.failed, 'action failed', 'actions failed')),
               (6, 'warning', asymm._counted(v_vitals.warnings, 'warning', 'warnings')),
               (7, 'warning', CASE WHEN v_health.ux < 0.7 THEN format('queries answer badly: UX %s', round(v_health.ux::numeric, 2)) END),
               (8, 'warning', CASE WHEN v_health.semantic < 0.7 THEN
                   format('what is said of nodes is incomplete or untrue: Semantic %s', round(v_health.semantic::numeric, 2)) END),
               (9, 'warning', CASE WHEN v_health.state < 0.7 THEN format('states and duplicates: State %s', round(v_health.state::numeric, 2)) END),
               (10, 'fair', CASE WHEN v_vitals.paused IS NOT NULL THEN format('repairing is paused: %s', v_vitals.paused) END),
               (11, 'fair', CASE WHEN v_vitals.seq IS NULL THEN 'nothing beats here: asymm.start()' END),
               (12, 'fair', CASE WHEN v_vitals.watched = 0 THEN 'nothing is watched: asymm.watch()' END),
               (13, 'fair', asymm._counted(v_vitals.proposals, 'proposal waits for a decision', 'proposals wait for a decision'))
                   ) AS w (place, level, reason)
             WHERE w.reason IS NOT NULL) AS r;
    reasons := COALESCE(reasons, '{}');
    at := clock_timestamp();
    status := CASE WHEN 'critical' IN (v_word, v_worst[1]) THEN 'critical' WHEN 'warning' IN (v_word, v_worst[1]) THEN 'warning'
                   WHEN v_word IS NULL THEN 'unknown' WHEN v_worst[1] = 'fair' THEN 'fair' ELSE v_word END;
    headline := CASE status WHEN 'good' THEN 'Healthy' WHEN 'fair' THEN 'Fair' WHEN 'warning' THEN 'Needs attention'
                            WHEN 'critical' THEN 'Critical' ELSE 'Not measured yet' END || ': '
        || CASE WHEN cardinality(reasons) > 0 THEN array_to_string(reasons[1:2], '; ')
                ELSE format('%s as declared, %s beats a second', COALESCE(asymm._counted(v_vitals.watched, 'object is', 'objects are'), 'nothing is'),
                            round(v_vitals.rate::numeric, 1)) END
        || CASE WHEN cardinality(reasons) > 2 THEN format('; and %s more', cardinality(reasons) - 2) ELSE '' END;
    shm := v_health.shm;
    ux := v_health.ux;
    semantic := v_health.semantic;
    state := v_health.state;
    regime := v_health.regime;
    not_measured := v_health.not_measured;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION asymm._verdict() IS 'What asymm.verdict shows.';

CREATE OR REPLACE VIEW asymm.verdict AS SELECT v.* FROM asymm._verdict() AS v;
COMMENT ON VIEW asymm.verdict
    IS 'How the database is, in one row: status (good, fair, warning, critical, unknown), a sentence, the scores of an hour (0 to 1; not_measured names what is missing), and the reasons, the worst first. asymm.explain_score(''shm'') has the arithmetic.';
