-- State Sonar, ECHO, MAP and CRITIQUE: what was counted becomes figures, a score between 0 and 1, and findings.

-- Both begin at 1, are at 0.7 where the limit is, and go on falling at that rate.
CREATE OR REPLACE FUNCTION asymm._state_score(complexity double precision, explosion double precision, settings asymm.sonar_setting)
RETURNS double precision
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_over constant double precision := (complexity - settings.fine_complexity) / (settings.max_complexity - settings.fine_complexity);
    v_many constant double precision := (explosion - 1) / GREATEST(settings.max_explosion - 1, 0.001);
BEGIN
    -- What was not measured is NULL, which LEAST leaves out.
    RETURN GREATEST(0, LEAST(1, 1 - 0.3 * v_over, 1 - 0.3 * v_many));
END
$$;
COMMENT ON FUNCTION asymm._state_score(double precision, double precision, asymm.sonar_setting)
    IS 'Score of a table''s states, 0 to 1: the worse of its complexity (1 when fine, 0.7 at the limit) and its duplicates (1 without any, 0.7 at the limit). Figures of NULL don''t count.';

CREATE OR REPLACE VIEW asymm._state_figures AS
    SELECT t.id, format('%I.%I', t.schema_name, t.table_name) AS entity, t.columns, k.at, k.rows, k.rows_read, v.states, c.transitions,
           ln((GREATEST(v.states, 1) * GREATEST(c.transitions, 1))::float8) / ln(2::float8) AS complexity, k.distinct_rows,
           GREATEST(k.hashed_rows / NULLIF(k.distinct_rows, 0), 1) AS explosion, k.sampled, k.hashed, k.hashed_at
      FROM asymm.state_table AS t
      LEFT JOIN asymm.state_look AS k ON k.table_id = t.id
     CROSS JOIN LATERAL (SELECT count(*) AS states FROM asymm.state_value AS v WHERE v.table_id = t.id) AS v
     CROSS JOIN LATERAL (SELECT count(DISTINCT (c.from_state, c.to_state)) AS transitions
                            FROM asymm.state_transition AS c WHERE c.table_id = t.id) AS c;
COMMENT ON VIEW asymm._state_figures IS 'What is known of each tracked table.';

CREATE OR REPLACE FUNCTION asymm._state_critique(entity text, complexity double precision, explosion double precision, sampled boolean,
    settings asymm.sonar_setting)
RETURNS TABLE (key text, severity text, seen text, recommended text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    IF $2 > $5.fine_complexity THEN
        RETURN QUERY SELECT $1 || ' states', CASE WHEN $2 > $5.max_complexity THEN 'critical' ELSE 'warning' END,
               format('log2(states × transitions) of %s is %s: %s', $1, round($2::numeric, 1),
                      CASE WHEN $2 > $5.max_complexity THEN 'unmanageable' ELSE 'more than fine' END),
               format('Look at what leads where in asymm.state_transitions; a constraint or fewer columns in one state help. '
                      'SELECT * FROM asymm.track_state(%L, columns => …) tracks others', $1);
    END IF;
    IF $3 > $5.max_explosion THEN
        RETURN QUERY SELECT $1 || ' duplicates', CASE WHEN $3 > 2 THEN 'critical' ELSE 'warning' END,
               format('%s rows of %s for each that is different%s', round($3::numeric, 3), $1,
                      CASE WHEN $4 THEN ' (estimated from a sample)' ELSE '' END),
               format('Remove the duplicates of %s and add a unique constraint over what makes a row', $1);
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._state_critique(text, double precision, double precision, boolean, asymm.sonar_setting)
    IS 'What is to be found fault with: too many states and transitions, too many duplicates.';

-- With a report of NULL only the time of the look is kept.
CREATE OR REPLACE FUNCTION asymm._keep_states(id bigint, report jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_now constant timestamptz := clock_timestamp();
    v_owner name;
    v record;
    v_found record;
    v_keys text[] := '{}';
    v_settings asymm.sonar_setting := asymm._sonar_settings();
BEGIN
    SELECT pg_get_userbyid(c.relowner) INTO v_owner
      FROM asymm.state_table AS t
      JOIN pg_namespace AS n ON n.nspname = t.schema_name
      JOIN pg_class AS c ON (c.relnamespace, c.relname) = (n.oid, t.table_name) WHERE t.id = $1;
    IF v_owner IS NULL THEN
        RETURN;
    END IF;
    PERFORM asymm._require_rights(v_owner, 'states');
    INSERT INTO asymm.state_look AS k (table_id, at, rows, rows_read, sample)
    VALUES ($1, v_now, COALESCE((report ->> 'rows')::float8, 0), COALESCE((report ->> 'read')::bigint, 0), COALESCE(report -> 'sample', '[]'))
    ON CONFLICT (table_id) DO UPDATE
       SET at = v_now, rows = CASE WHEN report IS NULL THEN k.rows ELSE excluded.rows END,
           rows_read = CASE WHEN report IS NULL THEN k.rows_read ELSE excluded.rows_read END,
           sample = excluded.sample;
    IF report IS NULL THEN
        RETURN;
    END IF;
    INSERT INTO asymm.state_value AS s (table_id, state, rows, first_seen, last_seen)
    SELECT $1, ARRAY(SELECT jsonb_array_elements_text(e.value -> 0)), (e.value ->> 1)::bigint, v_now, v_now
      FROM jsonb_array_elements(report -> 'states') WITH ORDINALITY AS e (value, place) WHERE e.place <= 1000
    ON CONFLICT (table_id, state) DO UPDATE SET rows = excluded.rows, last_seen = v_now;
    -- A table read as a whole has no other states; of a sample a state that was not met for a day is gone.
    DELETE FROM asymm.state_value AS s
     WHERE s.table_id = $1 AND s.last_seen < v_now - CASE WHEN (report ->> 'sampled')::boolean THEN interval '1 day' ELSE interval '0' END;
    DELETE FROM asymm.state_value AS s
     WHERE s.table_id = $1 AND s.state NOT IN (SELECT o.state FROM asymm.state_value AS o WHERE o.table_id = $1
                                                ORDER BY o.last_seen DESC, o.rows DESC LIMIT 1000);
    PERFORM asymm._keep_transitions($1, report -> 'changes', 'sample');
    IF report ? 'hashed' OR report -> 'content' = '[]' THEN
        UPDATE asymm.state_look AS k
           SET hashed_at = v_now, hashed_rows = k.rows, hashed = ARRAY(SELECT jsonb_array_elements_text(report -> 'content')),
               sampled = (report ->> 'sampled')::boolean AND report ? 'hashed',
               distinct_rows = CASE WHEN NOT report ? 'hashed' THEN k.rows
                                    WHEN NOT (report ->> 'sampled')::boolean THEN (report ->> 'distinct')::float8
                                    ELSE k.rows / asymm._explosion(k.rows, (report ->> 'hashed')::bigint, (report ->> 'pairs')::float8,
                                                                   (report ->> 'near')::float8) END
         WHERE k.table_id = $1;
    END IF;
    SELECT f.* INTO v FROM asymm._state_figures AS f WHERE f.id = $1;
    FOR v_found IN SELECT * FROM asymm._state_critique(v.entity, v.complexity, v.explosion, v.sampled, v_settings) LOOP
        PERFORM asymm._find('state', v_found.key, v_found.severity, 'entity:' || v.entity, v_found.seen,
                            jsonb_build_object('states', v.states, 'transitions', v.transitions, 'complexity', v.complexity,
                                               'rows', v.rows, 'distinct_rows', v.distinct_rows, 'explosion', v.explosion),
                            format('SELECT * FROM asymm.state_sonar(%L)', v.entity), v_found.recommended);
        v_keys := array_append(v_keys, v_found.key);
    END LOOP;
    PERFORM asymm._close_findings('state', v_keys, v.entity || ' ');
END
$$;
COMMENT ON FUNCTION asymm._keep_states(bigint, jsonb) IS 'Keeps what asymm._look_at_states() saw of a table, and tells what is wrong with it.';

CREATE OR REPLACE FUNCTION asymm.state_sonar(target text DEFAULT NULL)
RETURNS TABLE (entity text, columns name[], rows double precision, states bigint, transitions bigint, complexity double precision,
               distinct_rows double precision, explosion double precision, smt double precision, score double precision, status text,
               critique text[], source text, measured_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_settings asymm.sonar_setting := asymm._sonar_settings();
BEGIN
    RETURN QUERY
        SELECT f.entity, f.columns, f.rows, f.states, f.transitions, f.complexity, f.distinct_rows, f.explosion, f.complexity / f.explosion,
               s.score, asymm._status_word(s.score),
               ARRAY(SELECT c.seen FROM asymm._state_critique(f.entity, f.complexity, f.explosion, f.sampled, v_settings) AS c),
               CASE WHEN f.at IS NULL THEN 'not looked at yet: the organ states does, in a loop of its owner''s actor'
                    ELSE format('states: %s of %s rows read%s; transitions: %s; duplicates: %s', f.rows_read, f.rows::bigint,
                                CASE WHEN f.rows_read < f.rows THEN ' (a sample)' ELSE '' END, asymm._transition_source(f.id),
                                CASE WHEN f.hashed_at IS NULL THEN 'not counted yet'
                                     WHEN cardinality(f.hashed) = 0 THEN 'none, by the primary key'
                                     WHEN f.sampled THEN 'estimated from a sample' ELSE 'counted' END) END,
               f.at
          FROM asymm._state_figures AS f
         CROSS JOIN LATERAL (SELECT CASE WHEN f.at IS NOT NULL THEN asymm._state_score(f.complexity, f.explosion, v_settings) END) AS s (score)
         WHERE $1 IS NULL OR f.entity = $1
         ORDER BY s.score NULLS LAST, f.entity;
END
$$;
COMMENT ON FUNCTION asymm.state_sonar(text)
    IS 'State Sonar, a row for each tracked table (or the one named schema.table): ping (rows, states, transitions), echo (complexity = log2(states × transitions), explosion = rows ÷ distinct rows, smt = their quotient), map (score 0 to 1, status), critique; source says where each figure is from. See asymm.track_state().';

CREATE OR REPLACE FUNCTION asymm._status_word(score double precision) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN CASE WHEN score >= 0.85 THEN 'excellent' WHEN score >= 0.70 THEN 'ok' WHEN score >= 0.50 THEN 'warning' WHEN score < 0.50 THEN 'critical'
           END;
END
$$;
COMMENT ON FUNCTION asymm._status_word(double precision) IS 'A score between 0 and 1 in a word: excellent from 0.85, ok from 0.70, warning from 0.50, else critical.';
