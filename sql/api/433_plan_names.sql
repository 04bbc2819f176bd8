-- Names back first: what was renamed is never dropped and added. Everything after speaks of the declared names, so the
-- facts are rewritten as they will read once the names are back.

-- present name → name after: sources get their declared name; whatever sits on one of those makes room.
CREATE OR REPLACE FUNCTION asymm._plan_new_names(renames jsonb, present jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH r AS (SELECT n.key AS wanted, n.value AS source FROM jsonb_each_text(renames) AS n
                WHERE present ? n.value AND n.key <> n.value)
    SELECT COALESCE(jsonb_object_agg(n.source, n.wanted), '{}')
      FROM (SELECT r.source, r.wanted FROM r
            UNION ALL
            SELECT r.wanted, asymm._plan_spare_name(r.wanted)
              FROM r WHERE present ? r.wanted AND r.wanted NOT IN (SELECT source FROM r)) AS n
$$;
COMMENT ON FUNCTION asymm._plan_new_names(jsonb, jsonb) IS 'Present name → name it will have, for declared → present names.';

CREATE OR REPLACE FUNCTION asymm._plan_spare_name(name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT 'asymm_' || left(md5(name), 16) $$;
COMMENT ON FUNCTION asymm._plan_spare_name(text) IS 'A name to step aside to while names are exchanged.';

CREATE OR REPLACE FUNCTION asymm._plan_name_map(schema_name name, object_name name, declared jsonb, actual jsonb, renames jsonb)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_map jsonb := '{}';
    v_text jsonb := actual;
    v_part text;
    v_known jsonb;
    v_found jsonb;
BEGIN
    IF renames ? 'column' THEN
        v_map := jsonb_build_object('column', asymm._plan_new_names(renames -> 'column', actual -> 'column'));
    END IF;
    FOREACH v_part IN ARRAY ARRAY['constraint', 'index', 'trigger', 'policy', 'rule'] LOOP
        v_known := COALESCE(renames -> v_part, '{}');
        IF EXISTS (SELECT FROM jsonb_object_keys(declared -> v_part) AS d WHERE (actual -> v_part ? d) IS NOT TRUE AND NOT v_known ? d)
           AND EXISTS (SELECT FROM jsonb_object_keys(actual -> v_part) AS a WHERE (declared -> v_part ? a) IS NOT TRUE) THEN
            IF v_text = actual THEN
                v_text := asymm._plan_renamed(schema_name, object_name, actual, renames, v_map);
            END IF;
            -- One missing and one extra part of the same definition: a rename that left no address.
            SELECT jsonb_object_agg(x.wanted, x.present) INTO v_found
              FROM (SELECT min(d.key) AS wanted, min(a.key) AS present
                      FROM jsonb_each(declared -> v_part) AS d
                      JOIN jsonb_each(v_text -> v_part) AS a
                        ON asymm._plan_name_part(v_part, d.key, asymm._plan_unnamed(v_part, a.key, a.value))
                           = asymm._plan_name_part(v_part, d.key, asymm._plan_unnamed(v_part, d.key, d.value))
                     WHERE (actual -> v_part ? d.key) IS NOT TRUE AND NOT v_known ? d.key
                       AND (declared -> v_part ? a.key) IS NOT TRUE
                       AND a.key NOT IN (SELECT k.value FROM jsonb_each_text(v_known) AS k)
                     GROUP BY asymm._plan_unnamed(v_part, d.key, d.value)
                    HAVING count(*) = 1) AS x;
            v_known := v_known || COALESCE(v_found, '{}');
        END IF;
        IF v_known <> '{}' THEN
            v_map := v_map || jsonb_build_object(v_part, asymm._plan_new_names(v_known, actual -> v_part));
        END IF;
    END LOOP;
    RETURN v_map;
END
$$;
COMMENT ON FUNCTION asymm._plan_name_map(name, name, jsonb, jsonb, jsonb)
    IS 'part → (present name → name after the renames): those told, and those seen from equal definitions.';

-- A definition with its own name left open, and filled in.
CREATE OR REPLACE FUNCTION asymm._plan_unnamed(part text, name text, facts jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN v.head IS NULL THEN facts - 'comment' - 'enabled'
           ELSE jsonb_set(facts - 'comment' - 'enabled', '{def}', to_jsonb(overlay(facts ->> 'def' PLACING v.head || ' ? '
                    FROM strpos(facts ->> 'def', format('%s %I ', v.head, name)) FOR length(format('%s %I ', v.head, name))))) END
      FROM (SELECT CASE WHEN part IN ('index', 'trigger', 'rule')
                             AND strpos(facts ->> 'def', format('%s %I ', upper(part), name)) > 0 THEN upper(part) END AS head) AS v
$$;
COMMENT ON FUNCTION asymm._plan_unnamed(text, text, jsonb) IS 'Facts of a part without its name, comment and switch.';

CREATE OR REPLACE FUNCTION asymm._plan_name_part(part text, name text, facts jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN part IN ('index', 'trigger', 'rule') AND strpos(facts ->> 'def', upper(part) || ' ? ') > 0
           THEN jsonb_set(facts, '{def}', to_jsonb(overlay(facts ->> 'def' PLACING format('%s %I ', upper(part), name)
                    FROM strpos(facts ->> 'def', upper(part) || ' ? ') FOR length(part) + 3)))
           ELSE facts END
$$;
COMMENT ON FUNCTION asymm._plan_name_part(text, text, jsonb) IS 'Facts of a part with another name filled into the definition.';

CREATE OR REPLACE FUNCTION asymm._plan_renamed(schema_name name, object_name name, actual jsonb, renames jsonb, map jsonb)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_new text := format('%I.%I', schema_name, object_name);
    v_old text := format('%I.%I', COALESCE(renames #>> '{table,schema}', schema_name), COALESCE(renames #>> '{table,name}', object_name));
    v_idents jsonb := (SELECT jsonb_object_agg(quote_ident(n.key), quote_ident(n.value)) FROM jsonb_each_text(map -> 'column') AS n);
    -- Rules and policies call the table by its bare name as well.
    v_aliases jsonb := CASE WHEN renames #> '{table,name}' <> to_jsonb(object_name)
                            THEN COALESCE(v_idents, '{}') || jsonb_build_object(quote_ident(renames #>> '{table,name}'), quote_ident(object_name))
                            ELSE v_idents END;
    v_doc jsonb := actual;
    v_part text;
BEGIN
    IF map = '{}' AND v_old = v_new THEN
        RETURN actual;
    END IF;
    FOREACH v_part IN ARRAY ARRAY['column', 'constraint', 'index', 'trigger', 'policy', 'rule'] LOOP
        CONTINUE WHEN NOT actual ? v_part;
        SELECT jsonb_set(v_doc, ARRAY[v_part], jsonb_object_agg(n.name, f.facts)) INTO v_doc
          FROM jsonb_each(actual -> v_part) AS p
         CROSS JOIN LATERAL (SELECT COALESCE(map -> v_part ->> p.key, p.key) AS name) AS n
         CROSS JOIN LATERAL (
             SELECT jsonb_object_agg(e.key, CASE
                        -- The part's own name may be that of a column.
                        WHEN e.key IN ('def', 'default', 'generated', 'using', 'check') THEN
                             asymm._plan_name_part(v_part, n.name, jsonb_build_object('def', asymm._plan_retext(
                                 asymm._plan_unnamed(v_part, p.key, jsonb_build_object('def', e.value)) ->> 'def',
                                 CASE WHEN v_part IN ('rule', 'policy') THEN v_aliases ELSE v_idents END, v_old, v_new,
                                 p.value #>> '{sequence,name}', schema_name))) -> 'def'
                        WHEN e.key = 'sequence' AND v_old <> v_new THEN jsonb_set(e.value, '{name}', to_jsonb(format('%I.%I',
                             schema_name, (parse_ident(e.value ->> 'name'))[2])))
                        ELSE e.value END) AS facts
               FROM jsonb_each(p.value) AS e) AS f;
    END LOOP;
    RETURN jsonb_set(v_doc, '{table,""}', v_doc #> '{table,""}' || jsonb_strip_nulls(jsonb_build_object(
        'cluster', COALESCE(map #> ARRAY['constraint', v_doc #>> '{table,"",cluster}'], map #> ARRAY['index', v_doc #>> '{table,"",cluster}']),
        'replica_identity', 'index:' || COALESCE(map #>> ARRAY['constraint', substr(v_doc #>> '{table,"",replica_identity}', 7)],
                                                 map #>> ARRAY['index', substr(v_doc #>> '{table,"",replica_identity}', 7)]))));
END
$$;
COMMENT ON FUNCTION asymm._plan_renamed(name, name, jsonb, jsonb, jsonb) IS 'The facts of a table as they will read after its renames.';

CREATE OR REPLACE FUNCTION asymm._plan_retext(definition text, idents jsonb, old_rel text, new_rel text, sequence text, schema_name name)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN idents IS NULL THEN s.text ELSE asymm._retoken(s.text, idents) END
      FROM (SELECT CASE WHEN old_rel = new_rel THEN definition
                        ELSE asymm._rerelation(CASE WHEN sequence IS NULL THEN definition
                            ELSE replace(definition, quote_literal(sequence) || '::regclass',
                                         quote_literal(format('%I.%I', schema_name, (parse_ident(sequence))[2])) || '::regclass') END,
                            old_rel, new_rel) END AS text) AS s
$$;
COMMENT ON FUNCTION asymm._plan_retext(text, jsonb, text, text, text, name) IS 'A definition as it reads after columns and the table were renamed.';

CREATE OR REPLACE FUNCTION asymm._plan_names(schema_name name, object_name name, actual jsonb, renames jsonb, map jsonb)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_rel text := format('%I.%I', schema_name, object_name);
    v_old_schema name := COALESCE(renames #>> '{table,schema}', schema_name);
    v_old_name name := COALESCE(renames #>> '{table,name}', object_name);
BEGIN
    IF v_old_schema <> schema_name THEN
        IF EXISTS (SELECT FROM pg_namespace AS n WHERE n.nspname = schema_name)
           OR EXISTS (SELECT FROM asymm.baseline AS b WHERE b.schema_name = v_old_schema) THEN
            RETURN QUERY SELECT 100, 1, 'table', '', format('ALTER TABLE %I.%I SET SCHEMA %I', v_old_schema, v_old_name, schema_name),
                format('ALTER TABLE %I.%I SET SCHEMA %I', schema_name, v_old_name, v_old_schema), 'ACCESS EXCLUSIVE', '{}'::text[], NULL;
        ELSE
            RETURN QUERY SELECT 100, 1, 'table', '', format('ALTER SCHEMA %I RENAME TO %I', v_old_schema, schema_name),
                format('ALTER SCHEMA %I RENAME TO %I', schema_name, v_old_schema), 'none', '{}'::text[], NULL;
        END IF;
    END IF;
    IF v_old_name <> object_name THEN
        RETURN QUERY SELECT 100, 2, 'table', '', format('ALTER TABLE %I.%I RENAME TO %I', schema_name, v_old_name, object_name),
            format('ALTER TABLE %I.%I RENAME TO %I', schema_name, object_name, v_old_name), 'ACCESS EXCLUSIVE', '{}'::text[], NULL;
    END IF;
    RETURN QUERY
    WITH n AS (SELECT p.key AS part, x.key AS present, x.value AS wanted,
                      -- On somebody's way: step aside first.
                      EXISTS (SELECT FROM jsonb_each_text(p.value) AS y WHERE y.value = x.key)
                      OR x.value = asymm._plan_spare_name(x.key) AS aside
                 FROM jsonb_each(map) AS p, jsonb_each_text(p.value) AS x),
         m AS (SELECT 110 AS phase, n.part, n.present AS from_name, asymm._plan_spare_name(n.present) AS to_name, n.present, n.wanted
                 FROM n WHERE n.aside
               UNION ALL
               SELECT 120, n.part, CASE WHEN n.aside THEN asymm._plan_spare_name(n.present) ELSE n.present END, n.wanted, n.present, n.wanted
                 FROM n WHERE n.wanted <> asymm._plan_spare_name(n.present))
    SELECT m.phase, array_position(ARRAY['column', 'constraint', 'index', 'trigger', 'policy', 'rule'], m.part), m.part, m.wanted,
           CASE WHEN v.stuck IS NULL THEN format(v.command, m.from_name, m.to_name) END,
           CASE WHEN v.stuck IS NULL THEN format(v.command, m.to_name, m.from_name) END,
           CASE WHEN m.part = 'index' THEN 'SHARE UPDATE EXCLUSIVE' ELSE 'ACCESS EXCLUSIVE' END,
           CASE WHEN v.stuck IS NULL THEN '{}' ELSE ARRAY['not healable: ' || v.stuck] END, NULL
      FROM m
     CROSS JOIN LATERAL (
         SELECT CASE m.part
                WHEN 'column' THEN replace('ALTER TABLE $ RENAME COLUMN %I TO %I', '$', replace(v_rel, '%', '%%'))
                WHEN 'constraint' THEN replace('ALTER TABLE $ RENAME CONSTRAINT %I TO %I', '$', replace(v_rel, '%', '%%'))
                WHEN 'index' THEN replace('ALTER INDEX $.%I RENAME TO %I', '$', replace(quote_ident(schema_name), '%', '%%'))
                WHEN 'trigger' THEN replace('ALTER TRIGGER %I ON $ RENAME TO %I', '$', replace(v_rel, '%', '%%'))
                WHEN 'policy' THEN replace('ALTER POLICY %I ON $ RENAME TO %I', '$', replace(v_rel, '%', '%%'))
                ELSE replace('ALTER RULE %I ON $ RENAME TO %I', '$', replace(v_rel, '%', '%%')) END AS command,
                CASE WHEN m.part = 'column' AND (actual #> ARRAY['column', m.present, 'inherited']) IS NOT NULL
                     THEN 'the column comes from a parent table, where it has to be renamed' END AS stuck) AS v;
END
$$;
COMMENT ON FUNCTION asymm._plan_names(name, name, jsonb, jsonb, jsonb) IS 'Steps that give a table and its parts their declared names back.';
