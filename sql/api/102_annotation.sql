-- Annotations: validation and JSON in both directions (Greek keys out, Greek or ASCII keys in).

CREATE OR REPLACE FUNCTION asymm._annotation_fault(annotation asymm.annotation) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_entry text;
BEGIN
    IF annotation IS NOT DISTINCT FROM NULL THEN
        RETURN NULL;
    ELSIF btrim(annotation.symbol, E' \t\n\r') <> '' IS NOT TRUE THEN
        RETURN 'symbol is empty';
    ELSIF annotation.scope IN ('local', 'module', 'global') IS NOT TRUE THEN
        RETURN 'scope is none of local, module, global';
    ELSIF annotation.regime IN ('Support', 'Exploration', 'Balance') IS NOT TRUE THEN
        RETURN 'regime is none of Support, Exploration, Balance';
    ELSIF annotation.cost IS NULL THEN
        RETURN 'cost is null';
    ELSIF annotation.lineage IS NULL OR array_ndims(annotation.lineage) > 1 THEN
        RETURN 'lineage is not a flat list of texts';
    ELSIF (annotation.weight > 0 AND annotation.weight < 'Infinity') IS NOT TRUE THEN
        RETURN 'weight is not a finite number above 0';
    END IF;
    FOREACH v_entry IN ARRAY annotation.lineage LOOP
        IF v_entry IS NULL THEN
            RETURN 'lineage has a null entry';
        ELSIF v_entry NOT IN ('create', 'query', 'sync', 'cache', 'optimize') AND v_entry !~ '^[a-z_]+:.+$' THEN
            RETURN 'a lineage entry is neither a verb (create, query, sync, cache, optimize) nor kind:name';
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION asymm._annotation_fault(asymm.annotation) IS 'What is wrong with an annotation, or NULL.';

CREATE OR REPLACE FUNCTION asymm._require_annotation(annotation asymm.annotation) RETURNS asymm.annotation
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_fault text := asymm._annotation_fault(annotation);
BEGIN
    IF v_fault IS NOT NULL THEN
        RAISE EXCEPTION 'annotation refused: %', v_fault
            USING ERRCODE = 'invalid_parameter_value', DETAIL = format('Seen: %s', annotation),
                  HINT = 'Example: asymm.annotate(''dataEntity'', ''global'', ''Balance'', ''O(log n)'', ARRAY[''create'', ''query'']).';
    END IF;
    RETURN annotation;
END
$$;
COMMENT ON FUNCTION asymm._require_annotation(asymm.annotation) IS 'Returns the annotation; raises 22023 when a field is out of its set.';

CREATE OR REPLACE FUNCTION asymm.annotate(
    symbol text,
    scope text DEFAULT 'local',
    regime text DEFAULT 'Balance',
    cost text DEFAULT 'O(log n)',
    lineage text[] DEFAULT '{}',
    weight double precision DEFAULT 1
) RETURNS asymm.annotation
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT asymm._require_annotation(ROW(symbol, scope, regime, asymm.to_cost(cost), lineage, weight)::asymm.annotation) $$;
COMMENT ON FUNCTION asymm.annotate(text, text, text, text, text[], double precision)
    IS 'Builds a validated annotation (σ, ρ, γ, κ, λ, weight). Raises 22023 when a field is out of its set.';

CREATE OR REPLACE FUNCTION asymm.annotation(document jsonb) RETURNS asymm.annotation
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_unknown text;
    v_lineage jsonb;
BEGIN
    IF jsonb_typeof(document) <> 'object' THEN
        RAISE EXCEPTION 'annotation is not a JSON object'
            USING ERRCODE = 'invalid_parameter_value', DETAIL = format('Seen: a JSON %s.', jsonb_typeof(document)),
                  HINT = 'Example: {"σ":"dataEntity","ρ":"global","γ":"Balance","κ":"O(log n)","λ":["create"]}';
    END IF;
    SELECT string_agg(k, ', ' ORDER BY k) INTO v_unknown FROM jsonb_object_keys(document) AS k
     WHERE k NOT IN ('σ', 'ρ', 'γ', 'κ', 'λ', 'symbol', 'scope', 'regime', 'cost', 'lineage', 'weight');
    SELECT COALESCE(v_unknown, string_agg(g.greek || ' and ' || g.ascii, ', ')) INTO v_unknown
      FROM (VALUES ('σ', 'symbol'), ('ρ', 'scope'), ('γ', 'regime'), ('κ', 'cost'), ('λ', 'lineage')) AS g (greek, ascii)
     WHERE document ?& ARRAY[g.greek, g.ascii];
    IF v_unknown IS NOT NULL THEN
        RAISE EXCEPTION 'annotation has unknown or doubled keys'
            USING ERRCODE = 'invalid_parameter_value', DETAIL = format('Seen: %s.', v_unknown),
                  HINT = 'Keys are σ ρ γ κ λ (or symbol, scope, regime, cost, lineage) and weight, each once.';
    END IF;
    v_lineage := COALESCE(document -> 'λ', document -> 'lineage', '[]');
    IF jsonb_typeof(v_lineage) <> 'array' OR jsonb_path_exists(v_lineage, '$[*] ? (@.type() != "string")')
       OR COALESCE(jsonb_typeof(document -> 'weight'), 'number') <> 'number' THEN
        RAISE EXCEPTION 'annotation has a value of the wrong type'
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'λ is a list of texts, weight a number.',
                  HINT = 'Example: {"σ":"dataEntity","λ":["create","query"],"weight":1}';
    END IF;
    RETURN asymm._require_annotation(ROW(
        COALESCE(document ->> 'σ', document ->> 'symbol'),
        COALESCE(document ->> 'ρ', document ->> 'scope', 'local'),
        COALESCE(document ->> 'γ', document ->> 'regime', 'Balance'),
        asymm.to_cost(COALESCE(document ->> 'κ', document ->> 'cost', 'O(log n)')),
        ARRAY(SELECT e FROM jsonb_array_elements_text(v_lineage) WITH ORDINALITY AS l (e, n) ORDER BY n),
        COALESCE((document ->> 'weight')::double precision, 1))::asymm.annotation);
END
$$;
COMMENT ON FUNCTION asymm.annotation(jsonb)
    IS 'Reads an annotation from JSON with Greek or ASCII keys. Raises 22023 for unknown keys, wrong types or values out of their set.';

CREATE OR REPLACE FUNCTION asymm.annotation_json(annotation asymm.annotation) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN annotation IS DISTINCT FROM NULL THEN
        jsonb_build_object('σ', (annotation).symbol, 'ρ', (annotation).scope, 'γ', (annotation).regime,
                           'κ', (annotation).cost, 'λ', to_jsonb((annotation).lineage), 'weight', (annotation).weight) END
$$;
COMMENT ON FUNCTION asymm.annotation_json(asymm.annotation) IS 'The annotation as JSON with Greek keys and weight.';
