-- The repair plan: from what is declared and what is, the ordered statements that make them equal, each with the
-- statement that undoes it, its lock, its hazards, and what must hold for it to lose nothing. Steps are made by one
-- function per concern (431–439) and run in the order of their phase:
--   100 names back       200 detach, marks off     220 drop foreign keys, triggers, policies, rules, constraints, indexes
--   300 drop columns, defaults, identities         330 sequences, table, columns       440 types, generated columns
--   450 defaults, NOT NULL, identity, storage      500 indexes, constraints            550 attach, triggers, rules, policies
--   580 marks, options                             700 comments                        800 owner, grants

CREATE OR REPLACE FUNCTION asymm._plan(
    schema_name name, object_name name, declared jsonb, layout jsonb, actual jsonb, relid oid, renames jsonb)
RETURNS TABLE (step integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text,
               phase integer)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_rel text := format('%I.%I', schema_name, object_name);
    v_renames jsonb := COALESCE(renames, '{}');
    v_map jsonb;
    v_now jsonb;
    v_context jsonb;
    v_busy text[];
BEGIN
    IF declared IS NULL THEN
        RETURN QUERY SELECT 1, x.*, 10 FROM asymm._plan_extra_table(schema_name, object_name, actual, relid) AS x;
        RETURN;
    ELSIF actual IS NOT NULL AND v_renames = '{}' AND asymm._remakes_table(declared, actual) THEN
        -- It is there before its partitions, which are made in the same phase.
        RETURN QUERY
        SELECT CASE WHEN s.phase = 50 THEN 0 ELSE row_number() OVER (ORDER BY s.phase, s.ord, s.name COLLATE "C", s.forward COLLATE "C")::integer END,
               s.part, s.name, s.forward, s.inverse, s.lock_class, s.hazards, s.precondition, s.phase
          FROM asymm._plan_table_remade(schema_name, object_name, declared, layout, actual, relid) AS s;
        RETURN;
    END IF;
    -- v_now is the table after it was given its names back, or as CREATE TABLE will make it.
    IF actual IS NULL THEN
        v_map := '{}';
        v_now := asymm._plan_created(declared);
    ELSE
        v_map := asymm._plan_name_map(schema_name, object_name, declared, actual, v_renames);
        v_now := asymm._plan_detached(declared, asymm._plan_renamed(schema_name, object_name, actual, v_renames, v_map), relid);
    END IF;
    v_context := asymm._plan_context(v_rel, schema_name, declared, layout, v_now, CASE WHEN actual IS NOT NULL THEN relid END);
    -- Only the makers with something to do are called.
    SELECT array_agg(p.part) INTO v_busy
      FROM unnest(ARRAY['column', 'constraint', 'index', 'trigger', 'rule', 'policy', 'partition index', 'partition trigger']) AS p (part)
     WHERE declared -> p.part IS DISTINCT FROM v_now -> p.part
        OR EXISTS (SELECT FROM jsonb_each_text(v_context -> p.part) AS v WHERE v.value = 'remake');
    RETURN QUERY
    SELECT row_number() OVER (ORDER BY s.phase, s.ord, s.name COLLATE "C", s.forward COLLATE "C")::integer,
           s.part, s.name, s.forward, s.inverse, s.lock_class, s.hazards, s.precondition, s.phase
      FROM (SELECT * FROM asymm._plan_names(schema_name, object_name, actual, v_renames, v_map)
             WHERE actual IS NOT NULL AND (v_map <> '{}' OR v_renames ? 'table')
            UNION ALL
            SELECT * FROM asymm._plan_create(declared, layout, v_context) WHERE actual IS NULL
            UNION ALL
            SELECT * FROM asymm._plan_table(declared #> '{table,""}', v_now #> '{table,""}', v_context)
            UNION ALL
            SELECT * FROM asymm._plan_columns(declared -> 'column', v_now -> 'column', v_context)
             WHERE 'column' = ANY (v_busy)
            UNION ALL
            SELECT * FROM asymm._plan_not_null(declared -> 'column', v_now -> 'column', v_context)
             WHERE 'column' = ANY (v_busy) AND jsonb_path_exists(jsonb_build_array(declared -> 'column', v_now -> 'column'), '$[*].*.not_null_as')
            UNION ALL
            SELECT * FROM asymm._plan_column_settings(declared -> 'column', v_now -> 'column', v_context)
             WHERE 'column' = ANY (v_busy)
            UNION ALL
            SELECT * FROM asymm._plan_sequences(declared -> 'column', v_now -> 'column', v_context)
             WHERE 'column' = ANY (v_busy) AND jsonb_path_exists(jsonb_build_array(declared -> 'column', v_now -> 'column'), '$[*].*.sequence')
            UNION ALL
            SELECT * FROM asymm._plan_constraints(declared -> 'constraint', v_now -> 'constraint', v_context)
             WHERE 'constraint' = ANY (v_busy)
            UNION ALL
            SELECT * FROM asymm._plan_indexes(declared -> 'index', v_now -> 'index', v_context) WHERE 'index' = ANY (v_busy)
            UNION ALL
            SELECT * FROM asymm._plan_triggers(declared, v_now, v_context) WHERE v_busy && ARRAY['trigger', 'rule']
            UNION ALL
            SELECT * FROM asymm._plan_policies(declared -> 'policy', v_now -> 'policy', v_context) WHERE 'policy' = ANY (v_busy)
            UNION ALL
            SELECT * FROM asymm._plan_partition(declared, v_now, v_context) WHERE v_busy && ARRAY['partition index', 'partition trigger']
            UNION ALL
            SELECT * FROM asymm._plan_grants(declared, v_now, v_context)) AS s;
END
$$;
COMMENT ON FUNCTION asymm._plan(name, name, jsonb, jsonb, jsonb, oid, jsonb)
    IS 'Ordered statements that turn a table as it is into the declared one, each with inverse, lock, hazards and the condition of losing nothing.';

-- What has to be done about each part, decided once: add, drop, remake (drop and add again), or same.
CREATE OR REPLACE FUNCTION asymm._plan_context(rel text, schema_name name, declared jsonb, layout jsonb, actual jsonb, relid oid)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_column jsonb := asymm._plan_column_verdicts(declared -> 'column', actual -> 'column');
    v_retyped text[];
    v_dropped text[];
    v_kept jsonb := '{}';
    v_context jsonb;
BEGIN
    SELECT COALESCE(array_agg(v.key) FILTER (WHERE v.value = 'retype'), '{}'),
           COALESCE(array_agg(v.key) FILTER (WHERE v.value IN ('remake', 'plain')), '{}')
      INTO v_retyped, v_dropped
      FROM jsonb_each_text(v_column) AS v;
    IF relid IS NOT NULL AND (declared #> '{table,""}') ?| ARRAY['inherits', 'partition_of'] THEN
        v_kept := asymm._plan_attached(declared #> '{table,""}', actual, relid);
    END IF;
    v_context := jsonb_build_object(
        'rel', rel, 'schema', schema_name, 'relid', relid, 'layout', layout, 'column', v_column,
        'persistence', COALESCE(declared #>> '{table,"",persistence}', 'p'),
        'persists', declared #> '{table,"",persistence}' IS NOT DISTINCT FROM actual #> '{table,"",persistence}',
        'only', CASE WHEN COALESCE(actual #>> '{table,"",partition_key}', declared #>> '{table,"",partition_key}') IS NULL
                     THEN 'ONLY ' ELSE '' END,
        'owner', actual #> '{table,"",owner}',
        'linked', asymm._plan_linked(declared #> '{table,""}', actual #> '{table,""}', relid IS NULL));
    v_context := v_context || jsonb_build_object(
        'index', asymm._plan_verdicts('index', declared -> 'index', actual -> 'index', v_kept -> 'index', '{}', v_dropped, v_retyped),
        'trigger', asymm._plan_verdicts('trigger', declared -> 'trigger', actual -> 'trigger', NULL, v_retyped || v_dropped, '{}', '{}'),
        'rule', asymm._plan_verdicts('rule', declared -> 'rule', actual -> 'rule', NULL, v_retyped || v_dropped, '{}', '{}'),
        'policy', asymm._plan_verdicts('policy', declared -> 'policy', actual -> 'policy', NULL, v_retyped || v_dropped, '{}', '{}'),
        'constraint', asymm._plan_verdicts('constraint', declared -> 'constraint', actual -> 'constraint', v_kept -> 'constraint',
                                           '{}', v_dropped, v_retyped));
    -- A foreign key to the table itself goes with the key it points to.
    IF EXISTS (SELECT FROM jsonb_each_text(v_context -> 'constraint') AS v
                WHERE v.value IN ('drop', 'remake') AND actual #>> ARRAY['constraint', v.key, 'type'] IN ('primary key', 'unique')) THEN
        SELECT jsonb_set(v_context, '{constraint}', v_context -> 'constraint' || COALESCE(jsonb_object_agg(v.key, 'remake'), '{}'))
          INTO v_context
          FROM jsonb_each_text(v_context -> 'constraint') AS v
         WHERE v.value NOT IN ('add', 'drop', 'keep') AND actual #>> ARRAY['constraint', v.key, 'type'] = 'foreign key'
           AND strpos(actual #>> ARRAY['constraint', v.key, 'def'], format(' REFERENCES %s(', rel)) > 0;
    END IF;
    RETURN v_context;
END
$$;
COMMENT ON FUNCTION asymm._plan_context(text, name, jsonb, jsonb, jsonb, oid)
    IS 'Verdict on each part of a table (add, drop, remake, …) and what else the step makers need to know.';

-- tied: columns whose change no dependent survives; dropped: columns that go and come back; rebuilt: columns of which
-- the server rebuilds dependents itself, from text, so that only text which does not stand replay is remade here.
CREATE OR REPLACE FUNCTION asymm._plan_verdicts(
    part text, declared jsonb, actual jsonb, kept jsonb, tied text[], dropped text[], rebuilt text[])
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN (
        SELECT COALESCE(jsonb_object_agg(COALESCE(d.key, a.key), CASE
                   WHEN a.key IS NULL THEN 'add'
                   WHEN d.key IS NULL THEN CASE WHEN kept ? a.key THEN 'keep' ELSE 'drop' END
                   WHEN asymm._plan_same(part, d.value, a.value) = 'remake' THEN 'remake'
                   WHEN EXISTS (SELECT FROM unnest(tied || dropped) AS c WHERE asymm._mentions(a.value, c)) THEN 'remake'
                   WHEN asymm._replayable(d.value ->> 'def') IS DISTINCT FROM d.value ->> 'def'
                        AND EXISTS (SELECT FROM unnest(rebuilt) AS c WHERE asymm._mentions(a.value, c)) THEN 'remake'
                   ELSE asymm._plan_same(part, d.value, a.value) END), '{}')
          FROM jsonb_each(declared) AS d FULL JOIN jsonb_each(actual) AS a ON a.key = d.key);
END
$$;
COMMENT ON FUNCTION asymm._plan_verdicts(text, jsonb, jsonb, jsonb, text[], text[], text[])
    IS 'What to do about each constraint, index, trigger, rule or policy: add, drop, keep, remake, alter or same.';

-- Whether a part can be brought from what it is to what is declared where it stands.
CREATE OR REPLACE FUNCTION asymm._plan_same(part text, declared jsonb, actual jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN CASE part
        WHEN 'policy' THEN CASE
            WHEN declared - 'comment' = actual - 'comment' THEN 'same'
            WHEN declared -> 'command' <> actual -> 'command' OR declared -> 'permissive' IS DISTINCT FROM actual -> 'permissive'
                 OR (actual ? 'using' AND NOT declared ? 'using') OR (actual ? 'check' AND NOT declared ? 'check') THEN 'remake'
            ELSE 'alter' END
        WHEN 'constraint' THEN CASE
            WHEN declared -> 'def' = actual -> 'def' THEN 'same'
            WHEN declared -> 'type' <> actual -> 'type' THEN 'remake'
            WHEN asymm._constraint_core(declared) = asymm._constraint_core(actual)
                 AND (declared ->> 'def' NOT LIKE '% NOT VALID' OR actual ->> 'def' LIKE '% NOT VALID') THEN 'alter'
            ELSE 'remake' END
        WHEN 'index' THEN CASE
            -- Of a partitioned table it is one that some partition has not; else the leftover of a build.
            WHEN declared -> 'invalid' IS DISTINCT FROM actual -> 'invalid' THEN
                 CASE WHEN actual ? 'invalid' OR declared ->> 'def' LIKE '% ON ONLY %' THEN 'remake' ELSE 'same' END
            WHEN declared -> 'def' = actual -> 'def' THEN 'same'
            WHEN asymm._index_core(declared ->> 'def') = asymm._index_core(actual ->> 'def') THEN 'alter'
            ELSE 'remake' END
        ELSE CASE WHEN declared -> 'def' = actual -> 'def' THEN 'same' ELSE 'remake' END
    END;
END
$$;
COMMENT ON FUNCTION asymm._plan_same(text, jsonb, jsonb) IS 'same, alter (mended where it stands) or remake, for a part present on both sides.';
