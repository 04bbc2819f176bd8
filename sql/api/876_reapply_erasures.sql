-- After a restore: who was erased since the backup is there again, and is found by the ledger of erasures, kept elsewhere.

CREATE OR REPLACE FUNCTION asymm.erasure_ledger() RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT COALESCE(jsonb_agg(jsonb_build_object('kind', e.kind, 'salt', e.salt, 'digest', e.digest, 'erased_at', e.erased_at)
                                      ORDER BY e.id), '[]')
              FROM asymm.erasure AS e);
END
$$;
COMMENT ON FUNCTION asymm.erasure_ledger()
    IS 'All erasures as JSON, to be kept where a restore does not reach: asymm.reapply_erasures() takes it. Subjects stand in it as salted hashes only.';

CREATE OR REPLACE FUNCTION asymm._import_erasures(ledger jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._require_subject_rights(r.kind) FROM (SELECT DISTINCT x.kind FROM jsonb_to_recordset(ledger) AS x (kind text)) AS r;
    INSERT INTO asymm.erasure AS e (kind, salt, digest, erased_by, erased_at, place)
    SELECT DISTINCT ON (r.kind, r.salt, r.digest) r.kind, r.salt, r.digest, asymm._caller(), COALESCE(r.erased_at, clock_timestamp()), '{}'::jsonb
      FROM jsonb_to_recordset(ledger) AS r (kind text, salt text, digest text, erased_at timestamptz)
    ON CONFLICT ON CONSTRAINT erasure_once DO NOTHING;
EXCEPTION WHEN data_exception OR check_violation OR not_null_violation THEN
    RAISE EXCEPTION 'not a ledger of erasures'
        USING ERRCODE = 'invalid_parameter_value', DETAIL = 'It is an array of {kind, salt, digest, erased_at}.',
              HINT = 'SELECT asymm.erasure_ledger(); makes one.';
END
$$;
COMMENT ON FUNCTION asymm._import_erasures(jsonb) IS 'Takes in erasures of another copy; raises 22023.';

CREATE OR REPLACE FUNCTION asymm._erasures_of(kind text, subjects text[]) RETURNS text[]
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN ARRAY(SELECT s.subject
                   FROM (SELECT DISTINCT e.salt FROM asymm.erasure AS e WHERE e.kind = _erasures_of.kind) AS g
                  CROSS JOIN (SELECT DISTINCT u FROM unnest(subjects) AS u) AS s (subject)
                   JOIN asymm.erasure AS e ON e.kind = _erasures_of.kind AND e.salt = g.salt
                                          AND e.digest = asymm._subject_digest(g.salt, _erasures_of.kind, s.subject));
END
$$;
COMMENT ON FUNCTION asymm._erasures_of(text, text[]) IS 'Which of some subjects were erased.';

CREATE OR REPLACE FUNCTION asymm._erasures_done() RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_count bigint;
BEGIN
    UPDATE asymm.erasure AS e SET place = asymm._place() WHERE e.place <> asymm._place();
    GET DIAGNOSTICS v_count = ROW_COUNT;
    PERFORM asymm._audit('reapply_erasures', 'all', jsonb_build_object('erasures', v_count));
    RETURN v_count;
END
$$;
COMMENT ON FUNCTION asymm._erasures_done() IS 'Notes that all erasures hold here.';

CREATE OR REPLACE FUNCTION asymm.reapply_erasures(ledger jsonb DEFAULT NULL)
RETURNS TABLE (kind text, place text, held bigint, erased bigint, remaining bigint)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_subjects text[];
    v_kind text;
    v_subject text;
    v jsonb;
    p asymm._subject_place_found;
BEGIN
    IF ledger IS NOT NULL THEN
        PERFORM asymm._import_erasures(ledger);
    END IF;
    FOR v_kind IN SELECT DISTINCT s.kind FROM asymm._erased_kinds() AS s (kind) LOOP
        v_subjects := '{}';
        FOR p IN SELECT x.* FROM asymm._subject_places(v_kind) AS x LOOP
            IF p.prefix IS NOT NULL THEN
                -- A subject may have slashes in it: what stands before any of them, and the whole, may be one.
                v_subjects := v_subjects || ARRAY(
                    SELECT array_to_string(s.parts[:n], '/')
                      FROM unnest(asymm._entity_ids(v_kind, p.prefix, NULL)) AS i
                     CROSS JOIN LATERAL string_to_array(substr(i, length(p.prefix) + 1), '/') AS s (parts)
                     CROSS JOIN LATERAL generate_series(1, cardinality(s.parts)) AS n);
            ELSIF p.type IS NOT NULL THEN
                v := asymm._place_query(format('SELECT jsonb_agg(DISTINCT concat(t.%I)) FROM %s AS t WHERE $1 IS NULL', p.column_name,
                                               p.relid::regclass), NULL);
                v_subjects := v_subjects || ARRAY(SELECT jsonb_array_elements_text(NULLIF(v, 'null')));
            END IF;
        END LOOP;
        FOR v_subject IN SELECT unnest(asymm._erasures_of(v_kind, v_subjects)) LOOP
            RETURN QUERY SELECT v_kind, f.place, f.held, f.erased, f.remaining FROM asymm.forget(v_subject, false, v_kind) AS f WHERE f.held > 0;
        END LOOP;
    END LOOP;
    PERFORM asymm._erasures_done();
END
$$;
COMMENT ON FUNCTION asymm.reapply_erasures(jsonb)
    IS 'In a restored copy: erases again who was erased before, by the ledger given (asymm.erasure_ledger(), kept elsewhere) and by the one here. Returns what was found. Raises 22023, 42704, and what asymm.forget() raises.';

CREATE OR REPLACE FUNCTION asymm._erased_kinds() RETURNS SETOF text
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT DISTINCT e.kind FROM asymm.erasure AS e
                  WHERE EXISTS (SELECT FROM asymm.subject_place AS p WHERE p.kind = e.kind) ORDER BY 1;
END
$$;
COMMENT ON FUNCTION asymm._erased_kinds() IS 'Kinds of which subjects were erased and places are registered.';

CREATE OR REPLACE FUNCTION asymm._doctor_erasure() RETURNS TABLE (check_name text, status text, seen text, remedy text)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_elsewhere bigint;
    v_missing text;
BEGIN
    SELECT count(*) INTO v_elsewhere FROM asymm.erasure AS e WHERE e.place <> asymm._place();
    IF v_elsewhere > 0 THEN
        RETURN QUERY SELECT 'erasures', 'warning', format('%s were done in another place: this is a restored copy, or was moved', v_elsewhere),
                            'SELECT * FROM asymm.reapply_erasures(ledger), with the ledger that was kept elsewhere';
    END IF;
    SELECT string_agg(format('%I.%I', p.schema_name, p.table_name), ', ') INTO v_missing
      FROM asymm.subject_place AS p
     WHERE p.schema_name IS NOT NULL
       AND NOT EXISTS (SELECT FROM pg_namespace AS n JOIN pg_class AS c ON c.relnamespace = n.oid
                         JOIN pg_attribute AS a ON a.attrelid = c.oid AND NOT a.attisdropped
                        WHERE (n.nspname, c.relname, a.attname) = (p.schema_name, p.table_name, p.column_name));
    IF v_missing IS NOT NULL THEN
        RETURN QUERY SELECT 'places of subjects', 'warning', format('not there, or without the column: %s', v_missing),
                            'register them as they are now: SELECT * FROM asymm.subject_places; asymm.unregister_subject(), register_subject()';
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._doctor_erasure() IS 'Erasures that are to be done again, and registered places that are gone.';
