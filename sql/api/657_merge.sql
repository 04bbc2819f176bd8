-- Merging duplicates: of each group one row is kept, what refers to the others is pointed to it, and the others go to the recycle
-- table. All with the rights of who calls, in one transaction, while nobody else writes to these tables.

CREATE OR REPLACE FUNCTION asymm._lock_for_merge(relation regclass, refs jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_table oid;
BEGIN
    -- In one order, so that two merges never wait for each other in a circle.
    FOR v_table IN SELECT relation::oid UNION SELECT (r ->> 'relid')::oid FROM jsonb_array_elements(refs) AS r ORDER BY 1 LOOP
        EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', v_table::regclass);
    END LOOP;
END
$$;
COMMENT ON FUNCTION asymm._lock_for_merge(regclass, jsonb) IS 'Lets nobody else write to a table and to those that refer to it; reads go on.';

CREATE OR REPLACE FUNCTION asymm._forget_merge_plan() RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF to_regclass('pg_temp.asymm_merge') IS NOT NULL THEN
        EXECUTE 'DROP TABLE pg_temp.asymm_merge';
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._forget_merge_plan() IS 'Drops the temporary table of a merge.';

-- The rows to go (r…) beside those to be kept (k…), in a temporary table.
CREATE OR REPLACE FUNCTION asymm._plan_merge(relation regclass, keep text, columns name[]) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_numbers constant smallint[] := asymm._telling_columns(relation);
    v_key constant smallint[] := asymm._primary_key(relation);
    v_age constant text := CASE WHEN keep IN ('oldest', 'newest') THEN asymm._age_order(relation, 't') ELSE format('(%s)', keep) END;
    v_ids text := (SELECT string_agg(format(', t.%I AS c%s', a.attname, a.attnum), '') FROM pg_attribute AS a
                    WHERE a.attrelid = relation AND a.attnum = ANY (v_numbers));
    v_pairs text := (SELECT string_agg(format(', h.c%1$s AS r%1$s, pg_catalog.first_value(h.c%1$s) OVER w AS k%1$s', n), '')
                       FROM unnest(v_numbers) AS n);
BEGIN
    IF v_age IS NULL AND (v_key <> '{}' OR columns IS DISTINCT FROM asymm._content_columns(relation)) THEN
        RAISE EXCEPTION 'which rows of % are % is not known', relation, replace(keep, 'est', 'er')
            USING ERRCODE = 'invalid_parameter_value',
                  DETAIL = 'There is neither just one column of times that default to now, nor a primary key that counts up.',
                  HINT = 'Say what tells the row to be kept, the one where it is greatest: keep => ''t.updated_at''.';
    END IF;
    IF v_key = '{}' THEN
        v_ids := concat(v_ids, ', t.ctid AS c0');
        v_pairs := concat(v_pairs, ', h.c0 AS r0, pg_catalog.first_value(h.c0) OVER w AS k0');
    END IF;
    PERFORM asymm._forget_merge_plan();
    EXECUTE format(
        'CREATE TEMP TABLE asymm_merge ON COMMIT DROP AS
         SELECT pg_catalog.row_number() OVER () AS item, x.*
           FROM (SELECT g.*, pg_catalog.dense_rank() OVER (ORDER BY g.hash) AS grp
                   FROM (SELECT h.hash, pg_catalog.row_number() OVER w AS n %1$s
                           FROM (SELECT %2$s AS hash, %3$s AS age %4$s FROM %5$s %6$s AS t) AS h
                         WINDOW w AS (PARTITION BY h.hash ORDER BY h.age %7$s NULLS LAST, %8$s)) AS g
                  WHERE g.n OPERATOR(pg_catalog.>) 1) AS x',
        v_pairs, asymm._hash_of_columns(relation, columns, 't', false), COALESCE(v_age, 'NULL::pg_catalog.int4'), v_ids,
        CASE WHEN (SELECT c.relkind FROM pg_class AS c WHERE c.oid = relation) = 'r' THEN 'ONLY' ELSE '' END, relation,
        CASE WHEN keep = 'oldest' THEN 'ASC' ELSE 'DESC' END,
        COALESCE((SELECT string_agg(format('h.c%s', n), ', ') FROM unnest(v_key) AS n), 'h.c0'));
    EXECUTE 'ANALYZE pg_temp.asymm_merge';
END
$$;
COMMENT ON FUNCTION asymm._plan_merge(regclass, text, name[]) IS 'Works out which rows a merge removes and which it keeps in their place; raises 22023.';

-- What may be there once for a row can't be there twice for the one that is kept.
CREATE OR REPLACE FUNCTION asymm._leave_out_conflicts(relation regclass, refs jsonb) RETURNS TABLE (groups bigint, reason text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v record;
    v_numbers constant smallint[] := asymm._telling_columns(relation);
BEGIN
    FOR v IN
        SELECT e.value AS reference, i.indexrelid::regclass AS index, i.indnullsnotdistinct AS nulls_equal,
               (SELECT string_agg(format('f.%I', a.attname), ', ') FROM pg_attribute AS a
                 WHERE a.attrelid = i.indrelid AND a.attnum = ANY ((i.indkey::smallint[])[0:i.indnkeyatts - 1])
                   AND NOT e.value -> 'columns' ? a.attname::text) AS others
          FROM jsonb_array_elements(refs) AS e (value)
          JOIN pg_index AS i ON i.indrelid = (e.value ->> 'relid')::oid AND i.indisunique AND i.indexprs IS NULL
         WHERE EXISTS (SELECT FROM pg_attribute AS a
                        WHERE a.attrelid = i.indrelid AND a.attnum = ANY ((i.indkey::smallint[])[0:i.indnkeyatts - 1])
                          AND e.value -> 'columns' ? a.attname::text)
    LOOP
        EXECUTE format(
            'WITH s AS (SELECT m.grp, %1$s FROM pg_temp.asymm_merge AS m UNION SELECT m.grp, %2$s FROM pg_temp.asymm_merge AS m),
                  c AS (SELECT DISTINCT s.grp FROM s JOIN %3$s AS f ON %4$s %5$s GROUP BY %6$s HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 1),
                  d AS (DELETE FROM pg_temp.asymm_merge AS m USING c WHERE m.grp OPERATOR(pg_catalog.=) c.grp)
             SELECT pg_catalog.count(*) FROM c',
            (SELECT string_agg(format('m.k%1$s AS c%1$s', n), ', ') FROM unnest(v_numbers) AS n),
            (SELECT string_agg(format('m.r%1$s AS c%1$s', n), ', ') FROM unnest(v_numbers) AS n),
            asymm._reference_table(v.reference), asymm._reference_match(v.reference, 'f', 's.c'),
            CASE WHEN v.others IS NOT NULL AND NOT v.nulls_equal THEN format('WHERE pg_catalog.num_nulls(%s) OPERATOR(pg_catalog.=) 0', v.others) END,
            concat_ws(', ', 's.grp', v.others)) INTO groups;
        IF groups > 0 THEN
            reason := format('%s groups left: rows of %I.%I that refer to them would be equal by %s', groups, v.reference ->> 'schema',
                             v.reference ->> 'table', v.index);
            RETURN NEXT;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION asymm._leave_out_conflicts(regclass, jsonb) IS 'Takes groups out of a merge where what refers to them would break a unique index; how many, and by which.';

CREATE OR REPLACE FUNCTION asymm._count_references(reference jsonb) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_count bigint;
BEGIN
    EXECUTE format('SELECT pg_catalog.count(*) FROM %s AS f JOIN pg_temp.asymm_merge AS m ON %s', asymm._reference_table(reference),
                   asymm._reference_match(reference, 'f', 'm.r')) INTO v_count;
    RETURN v_count;
END
$$;
COMMENT ON FUNCTION asymm._count_references(jsonb) IS 'How many rows refer to rows that are to go.';

CREATE OR REPLACE FUNCTION asymm._run_merge(relation regclass, action bigint, refs jsonb, removed bigint, last bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_size constant bigint := 20000;
    v_ours constant text := (SELECT CASE c.relkind WHEN 'r' THEN 'ONLY ' ELSE '' END FROM pg_class AS c WHERE c.oid = relation) || relation;
    v_match constant text := asymm._key_match(relation, 't', 'm.r');
    v_numbers constant smallint[] := ARRAY(SELECT a.attnum FROM pg_attribute AS a
        WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum);
    v_items asymm.recycled_row[];
    v_rows asymm.repointed_row[];
    v_reference jsonb;
    v_place integer;
    v_count bigint;
    v_repointed bigint := 0;
    v_left boolean;
BEGIN
    FOR v_from IN 0 .. last BY v_size LOOP
        EXECUTE format('SELECT pg_catalog.array_agg(ROW(0, m.item, %s, %s)::asymm.recycled_row)
                          FROM pg_temp.asymm_merge AS m JOIN %s AS t ON %s
                         WHERE m.item OPERATOR(pg_catalog.>) $1 AND m.item OPERATOR(pg_catalog.<=) $2',
                       asymm._value_texts(relation, asymm._telling_columns(relation), 'm.k'), asymm._value_texts(relation, v_numbers, 't.'),
                       v_ours, v_match) INTO v_items USING v_from, v_from + v_size;
        PERFORM asymm._recycle(action, v_items);
    END LOOP;
    FOR v_reference, v_place IN SELECT e.value, e.place FROM jsonb_array_elements(refs) WITH ORDINALITY AS e (value, place) LOOP
        FOR v_from IN 0 .. last BY v_size LOOP
            EXECUTE format('WITH u AS (UPDATE %1$s AS f SET (%2$s) = ROW(%3$s) FROM pg_temp.asymm_merge AS m
                                        WHERE %4$s AND m.item OPERATOR(pg_catalog.>) $1 AND m.item OPERATOR(pg_catalog.<=) $2
                                        RETURNING m.item, %5$s AS key)
                            SELECT pg_catalog.array_agg(ROW(0, %6$s, u.item, u.key)::asymm.repointed_row), pg_catalog.count(*) FROM u',
                           asymm._reference_table(v_reference),
                           (SELECT string_agg(quote_ident(c.name), ', ' ORDER BY c.place)
                              FROM jsonb_array_elements_text(v_reference -> 'columns') WITH ORDINALITY AS c (name, place)),
                           (SELECT string_agg(format('m.k%s', c.number), ', ' ORDER BY c.place)
                              FROM jsonb_array_elements_text(v_reference -> 'refers') WITH ORDINALITY AS c (number, place)),
                           asymm._reference_match(v_reference, 'f', 'm.r'),
                           asymm._value_texts((v_reference ->> 'relid')::oid, asymm._primary_key((v_reference ->> 'relid')::oid), 'f.'), v_place)
               INTO v_rows, v_count USING v_from, v_from + v_size;
            v_repointed := v_repointed + v_count;
            PERFORM asymm._note_repointed(action, v_rows);
        END LOOP;
        EXECUTE format('SELECT EXISTS (SELECT FROM %s AS f JOIN pg_temp.asymm_merge AS m ON %s)', asymm._reference_table(v_reference),
                       asymm._reference_match(v_reference, 'f', 'm.r')) INTO v_left;
        IF v_left THEN
            PERFORM asymm._refuse_merge(relation, format('Rows of %I.%I refer to duplicates still: a trigger there changed what was written.',
                                                         v_reference ->> 'schema', v_reference ->> 'table'), 'Nothing was changed.');
        END IF;
    END LOOP;
    EXECUTE format('DELETE FROM %s AS t USING pg_temp.asymm_merge AS m WHERE %s', v_ours, v_match);
    GET DIAGNOSTICS v_count = ROW_COUNT;
    IF v_count <> removed THEN
        PERFORM asymm._refuse_merge(relation, format('%s of %s rows could be removed: a trigger keeps the others.', v_count, removed),
                                    'Nothing was changed.');
    END IF;
    RETURN v_repointed;
END
$$;
COMMENT ON FUNCTION asymm._run_merge(regclass, bigint, jsonb, bigint, bigint) IS 'Keeps rows aside, points what refers to them elsewhere, removes them; returns how many references were changed.';

-- The name of the temporary table is a parameter because of checkers, which would look for it.
CREATE OR REPLACE FUNCTION asymm._limit_merge(plan text, most_groups bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_count bigint;
BEGIN
    EXECUTE format('DELETE FROM %1$s AS m WHERE m.grp OPERATOR(pg_catalog.>)
                        (SELECT pg_catalog.max(g.grp) FROM (SELECT DISTINCT o.grp FROM %1$s AS o ORDER BY o.grp LIMIT $1) AS g)', plan)
      USING GREATEST(most_groups, 1);
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END
$$;
COMMENT ON FUNCTION asymm._limit_merge(text, bigint) IS 'Leaves so many groups in the plan of a merge; returns how many rows it took out.';

CREATE OR REPLACE FUNCTION asymm._merge_counts(plan text, OUT items bigint, OUT groups bigint, OUT last bigint)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    EXECUTE format('SELECT pg_catalog.count(*), pg_catalog.count(DISTINCT m.grp), pg_catalog.max(m.item) FROM %s AS m', plan)
       INTO items, groups, last;
END
$$;
COMMENT ON FUNCTION asymm._merge_counts(text) IS 'Rows to go, groups, and the last number in the plan of a merge.';

CREATE OR REPLACE FUNCTION asymm.merge_duplicates(
    relation regclass, keep text DEFAULT 'oldest', columns name[] DEFAULT NULL, ignore name[] DEFAULT NULL, dry_run boolean DEFAULT false,
    most_groups bigint DEFAULT NULL, unique_index boolean DEFAULT false)
RETURNS TABLE (action bigint, groups bigint, removed bigint, repointed bigint, skipped bigint, notes text[], index_action bigint)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET extra_float_digits = 3 SET bytea_output = 'hex' SET datestyle = 'ISO, YMD' SET intervalstyle = 'postgres' SET lc_monetary = 'C'
AS $$
DECLARE
    v_columns constant name[] := asymm._duplicate_columns(relation, columns, ignore);
    v_refs jsonb;
    v_lock_timeout constant text := current_setting('lock_timeout');
    v_count bigint;
BEGIN
    PERFORM asymm._require_text(keep, 'keep');
    PERFORM asymm._require_text(dry_run::text, 'dry_run');
    PERFORM asymm._require_text(unique_index::text, 'unique_index');
    PERFORM asymm._require_mergeable(relation);
    PERFORM asymm._require_merge_rights(relation);
    IF unique_index THEN
        PERFORM asymm._require_unique(relation, v_columns);
    END IF;
    IF NOT dry_run THEN
        PERFORM asymm._require_healing();
        PERFORM set_config('lock_timeout', (extract(epoch FROM (asymm._settings()).lock_timeout) * 1000)::bigint::text, true);
        PERFORM asymm._lock_for_merge(relation, asymm._references_to(relation));
        PERFORM set_config('lock_timeout', v_lock_timeout, true);
    END IF;
    -- What stands in the way may have come before the lock.
    v_refs := asymm._references_to(relation);
    PERFORM asymm._plan_merge(relation, keep, v_columns);
    SELECT COALESCE(sum(c.groups), 0), COALESCE(array_agg(c.reason), '{}') INTO skipped, notes FROM asymm._leave_out_conflicts(relation, v_refs) AS c;
    IF most_groups IS NOT NULL THEN
        v_count := asymm._limit_merge('pg_temp.asymm_merge', most_groups);
        IF v_count > 0 THEN
            notes := notes || format('there are more groups than the %s asked for: call it again', most_groups);
        END IF;
    END IF;
    SELECT c.items, c.groups, c.last INTO removed, groups, v_count FROM asymm._merge_counts('pg_temp.asymm_merge') AS c;
    PERFORM asymm._require_mergeable(relation, removed);
    repointed := 0;
    IF dry_run THEN
        FOR v_count IN SELECT asymm._count_references(r) FROM jsonb_array_elements(v_refs) AS r LOOP
            repointed := repointed + v_count;
        END LOOP;
    ELSIF removed > 0 THEN
        action := asymm._begin_merge(relation, v_columns, keep, jsonb_build_object('groups', groups, 'removed', removed, 'skipped', skipped));
        repointed := asymm._run_merge(relation, action, v_refs, removed, v_count);
        PERFORM asymm._end_merge(action, jsonb_build_object('groups', groups, 'removed', removed, 'repointed', repointed, 'skipped', skipped));
    END IF;
    PERFORM asymm._forget_merge_plan();
    IF unique_index AND notes <> '{}' THEN
        notes := notes || 'there are duplicates left, so no unique index is made'::text;
    ELSIF unique_index THEN
        index_action := CASE WHEN NOT dry_run THEN asymm._order_unique(relation, v_columns, action) END;
        notes := ARRAY[CASE WHEN dry_run THEN format('then, by a builder: %s', asymm._unique_by(relation, v_columns))
                            WHEN index_action IS NULL THEN 'there is such a unique index already'
                            ELSE format('a builder makes the unique index, action %s: see asymm.advice', index_action) END];
    ELSIF groups > 0 AND notes = '{}' THEN
        -- Proposed, not made: it is the owner's rule that no two rows may be equal.
        notes := array_remove(ARRAY['to have it stay so, unique_index => true or: ' || asymm._unique_by(relation, v_columns) || ';'], NULL);
    END IF;
    RETURN NEXT;
EXCEPTION WHEN unique_violation OR exclusion_violation THEN
    PERFORM asymm._refuse_merge(relation, format('What refers to duplicates would break a rule: %s.', SQLERRM),
                                'Merge or change those rows first; nothing was changed.');
END
$$;
COMMENT ON FUNCTION asymm.merge_duplicates(regclass, text, name[], name[], boolean, bigint, boolean)
    IS 'Keeps one row of each group of duplicates (keep: oldest, newest, or an expression of t, greatest where the row is to be kept), points every foreign key to it, and removes the others, which asymm.revert(action) brings back until their retention ends. In one transaction, with the caller''s rights, while nobody else writes to these tables: most_groups limits that. unique_index: once none is left a builder makes a unique index, CONCURRENTLY, for which NULLs are equal too; while it does, and if equal rows came meanwhile, that action fails and leaves nothing. Columns as for find_duplicates(). Raises 22004, 22023, 42501, 42703, 42P01, 42809, 55000, 55P03, SY004, SY020.';
