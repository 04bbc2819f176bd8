-- Creating entities: any number in one call, all of them or none.

CREATE OR REPLACE FUNCTION asymm._require_entities(entities jsonb) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_most constant integer := (asymm._entity_settings()).max_value_bytes;
    v_id text;
    v_fault text;
BEGIN
    IF entities IS NULL OR jsonb_typeof(entities) <> 'array' OR jsonb_array_length(entities) > 10000 THEN
        RAISE EXCEPTION 'not a list of entities'
            USING ERRCODE = CASE WHEN entities IS NULL THEN 'null_value_not_allowed' ELSE 'invalid_parameter_value' END,
                  DETAIL = 'It is a JSON array of at most 10,000 objects.',
                  HINT = 'Example: SELECT * FROM asymm.create_entities(''[{"id": "order:17", "value": {"name": "Demo"}}]'')';
    END IF;
    -- That all are good is told by built-in functions alone, in a third of the time; what is wrong with one is worked out then.
    IF EXISTS (
           SELECT FROM jsonb_array_elements(entities) AS e (item)
            WHERE (jsonb_typeof(e.item) = 'object' AND jsonb_typeof(e.item -> 'id') = 'string' AND length(e.item ->> 'id') <= 200
                   AND e.item ->> 'id' ~ '^[A-Za-z0-9][A-Za-z0-9_.:@/+~-]*$' AND jsonb_typeof(e.item -> 'value') <> 'null'
                   AND pg_column_size(e.item -> 'value') <= v_most AND e.item - '{id,value,annotations,idempotency_key}'::text[] = '{}'
                   AND COALESCE(jsonb_typeof(e.item -> 'idempotency_key'), 'null') IN ('string', 'null')) IS NOT TRUE) THEN
        SELECT f.id, f.fault INTO v_id, v_fault
          FROM jsonb_array_elements(entities) WITH ORDINALITY AS e (item, place)
         CROSS JOIN LATERAL (
               SELECT CASE WHEN jsonb_typeof(e.item -> 'id') = 'string' THEN e.item ->> 'id' END,
                      CASE WHEN jsonb_typeof(e.item) <> 'object' OR e.item - '{id,value,annotations,idempotency_key}'::text[] <> '{}'
                           THEN 'It is an object with id and value, perhaps annotations and idempotency_key.'
                           WHEN jsonb_typeof(e.item -> 'idempotency_key') NOT IN ('string', 'null') THEN 'Its idempotency key is not text.' END)
               AS s (id, shape)
         CROSS JOIN LATERAL (SELECT s.id, COALESCE(s.shape, asymm._entity_fault(s.id, e.item -> 'value', v_most))) AS f (id, fault)
         WHERE f.fault IS NOT NULL ORDER BY e.place LIMIT 1;
        PERFORM asymm._refuse_entity(v_id, v_fault);
    END IF;
    PERFORM asymm._require_key(e.item ->> 'idempotency_key') FROM jsonb_array_elements(entities) AS e (item) WHERE e.item ? 'idempotency_key';
    SELECT e.item ->> 'id' INTO v_id FROM jsonb_array_elements(entities) AS e (item) GROUP BY 1 HAVING count(*) > 1 LIMIT 1;
    IF FOUND THEN
        PERFORM asymm._refuse_entity(v_id, 'It is in the list more than once.');
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._require_entities(jsonb) IS 'Raises 22004 or 22023 unless every item of a list can be an entity.';

CREATE OR REPLACE FUNCTION asymm._default_annotations() RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN '{"σ": "dataEntity", "ρ": "global", "γ": "Balance", "κ": "O(log n)", "λ": ["create", "query", "sync"], "weight": 1}';
END
$$;
COMMENT ON FUNCTION asymm._default_annotations() IS 'What is said of an entity of which nothing else is said.';

-- Why some of a list were not made: an earlier call with the same key made them, or somebody else did.
CREATE OR REPLACE FUNCTION asymm._answered_entities(made text[], others jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v record;
    v_answers jsonb := '{}';
    v_there text[] := '{}';
BEGIN
    FOR v IN SELECT o.id, o.key, decode(o.digest, 'hex') AS digest, o.claimed
               FROM jsonb_to_recordset(others) AS o (id text, key text, digest text, claimed boolean)
              WHERE o.id <> ALL (made) ORDER BY o.id LOOP
        IF v.key IS NULL OR v.claimed THEN
            v_there := v_there || v.id;
        ELSE
            v_answers := v_answers || jsonb_build_object(v.id, asymm._answered_request(v.id, v.key, v.digest));
        END IF;
    END LOOP;
    IF v_there <> '{}' THEN
        RAISE EXCEPTION 'entity "%" is there already', v_there[1]
            USING ERRCODE = 'unique_violation',
                  DETAIL = CASE WHEN cardinality(v_there) > 1
                                THEN format('%s of the list are: %s.', cardinality(v_there), array_to_string(v_there[1:5], ', '))
                                ELSE 'Ids are given once, until the entity is deleted.' END,
                  HINT = format('SELECT version FROM asymm.get_entity(%L); then asymm.update_entity(%1$L, …, version => …)', v_there[1]);
    END IF;
    RETURN v_answers;
END
$$;
COMMENT ON FUNCTION asymm._answered_entities(text[], jsonb)
    IS 'The versions of those of a list that an earlier call with the same keys made. Raises 23505 for one that is there otherwise, SY018 for a key used for another call.';

-- In the order of ids: calls whose lists overlap wait for each other, and never in a circle.
-- Planned once: what it is given tells a planner nothing.
CREATE OR REPLACE FUNCTION asymm.create_entities(entities jsonb) RETURNS TABLE (id text, version bigint, created boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
    v_caller constant name := asymm._caller();
    v_now constant timestamptz := clock_timestamp();
    v_default constant jsonb := asymm._default_annotations();
    v_made text[];
    v_versions bigint[];
    v_others jsonb;
    v_answers jsonb := '{}';
    v record;
BEGIN
    PERFORM asymm._require_writable_entities();
    PERFORM asymm._require_entities(entities);
    WITH said AS MATERIALIZED (
        SELECT d.text, asymm.annotation_json(asymm.annotation(d.text)) AS canonical
          FROM (SELECT DISTINCT e.item -> 'annotations' AS text FROM jsonb_array_elements(entities) AS e (item)) AS d
         WHERE d.text <> 'null'),
    given AS MATERIALIZED (
        SELECT g.id, g.value, g.key, g.annotations, g.content_hash, nextval('asymm.data_entity_version_seq') AS version,
               CASE WHEN g.key IS NOT NULL THEN asymm._request_digest('create', NULL, g.content_hash, g.annotations) END AS digest
          FROM (SELECT e.item ->> 'id' AS id, e.item -> 'value' AS value, e.item ->> 'idempotency_key' AS key,
                       COALESCE(s.canonical, v_default) AS annotations, asymm.content_hash(e.item -> 'value') AS content_hash
                  FROM jsonb_array_elements(entities) AS e (item) LEFT JOIN said AS s ON s.text = e.item -> 'annotations'
                 ORDER BY (e.item ->> 'id') COLLATE "C") AS g),
    claimed AS (
        INSERT INTO asymm.data_entity_request AS r (id, key, digest, version, at)
        SELECT g.id, g.key, g.digest, g.version, v_now FROM given AS g WHERE g.key IS NOT NULL
        ON CONFLICT ON CONSTRAINT data_entity_request_pkey DO NOTHING
        RETURNING r.id),
    made AS (
        INSERT INTO asymm.data_entity AS d (id, value, annotations, version, content_hash, created_at, created_by, changed_at, changed_by)
        SELECT g.id, g.value, g.annotations, g.version, g.content_hash, v_now, v_caller, v_now, v_caller
          FROM given AS g WHERE g.key IS NULL OR g.id IN (SELECT c.id FROM claimed AS c)
        ON CONFLICT ON CONSTRAINT data_entity_pkey DO NOTHING
        RETURNING d.id, d.version)
    SELECT array_agg(m.id), array_agg(m.version),
           -- All there is to know of the others; of none, as a rule.
           CASE WHEN count(*) < (SELECT count(*) FROM given)
                THEN (SELECT jsonb_agg(jsonb_build_object('id', g.id, 'key', g.key, 'digest', encode(g.digest, 'hex'),
                                                          'claimed', EXISTS (SELECT FROM claimed AS c WHERE c.id = g.id))) FROM given AS g) END
      INTO v_made, v_versions, v_others
      FROM made AS m;
    IF v_others IS NOT NULL THEN
        v_answers := asymm._answered_entities(COALESCE(v_made, '{}'), v_others);
    END IF;
    -- A deletion that was waited for took its version later than we did.
    FOR v IN SELECT d.id, d.version, max(h.version) AS last
               FROM asymm.data_entity_history AS h JOIN asymm.data_entity AS d ON d.id = h.id AND h.version >= d.version
              WHERE h.id = ANY (v_made) GROUP BY d.id LOOP
        v_versions[array_position(v_made, v.id)] := asymm._version_after(
            v.id, (SELECT e.item ->> 'idempotency_key' FROM jsonb_array_elements(entities) AS e (item) WHERE e.item ->> 'id' = v.id),
            v.version, v.last);
        UPDATE asymm.data_entity AS d SET version = v_versions[array_position(v_made, v.id)] WHERE d.id = v.id;
    END LOOP;
    RETURN QUERY
        SELECT e.item ->> 'id', COALESCE(m.version, (v_answers ->> (e.item ->> 'id'))::bigint), m.version IS NOT NULL
          FROM jsonb_array_elements(entities) WITH ORDINALITY AS e (item, place)
          LEFT JOIN unnest(v_made, v_versions) AS m (id, version) ON m.id = e.item ->> 'id'
         ORDER BY e.place;
END
$$;
COMMENT ON FUNCTION asymm.create_entities(jsonb)
    IS 'Makes entities of a JSON array of {id, value, annotations, idempotency_key}, all or none, at most 10,000; created is false for those that an earlier call with the same key made. Raises 22004, 22023, 23505, SY018.';

CREATE OR REPLACE FUNCTION asymm.create_entity(
    id text, value jsonb, annotations asymm.annotation DEFAULT NULL, idempotency_key text DEFAULT NULL)
RETURNS SETOF asymm._entity
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_version bigint;
BEGIN
    SELECT c.version INTO v_version
      FROM asymm.create_entities(jsonb_build_array(jsonb_build_object(
               'id', create_entity.id, 'value', create_entity.value, 'annotations', asymm.annotation_json(create_entity.annotations),
               'idempotency_key', create_entity.idempotency_key))) AS c;
    RETURN QUERY SELECT n.* FROM asymm._entity_at(create_entity.id, v_version) AS n;
END
$$;
COMMENT ON FUNCTION asymm.create_entity(text, jsonb, asymm.annotation, text)
    IS 'Makes an entity and returns it; with an idempotency key that was used for the same call before, returns what that made. Raises 22004, 22023, 23505, SY018.';
