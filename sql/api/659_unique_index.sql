-- What was merged can be had to stay so: a unique index, built by the builder like any other, outside of transactions; kept as a rule of
-- the table, not for the time it saves.

-- Text that a collation calls equal though its bytes differ was not merged, so it is told apart here too.
CREATE OR REPLACE FUNCTION asymm._unique_keys(relation oid, columns name[]) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT string_agg(quote_ident(a.attname) || CASE WHEN l.oid IS NULL THEN '' ELSE ' COLLATE "C"' END, ', ' ORDER BY c.place)
          FROM unnest(columns) WITH ORDINALITY AS c (name, place)
          JOIN pg_attribute AS a ON a.attrelid = relation AND a.attname = c.name
          JOIN pg_type AS t ON t.oid = a.atttypid
          JOIN pg_class AS r ON r.oid = relation AND r.relkind = 'r'
          LEFT JOIN pg_collation AS l ON l.oid = a.attcollation AND NOT l.collisdeterministic
        HAVING count(*) BETWEEN 1 AND 32 AND bool_and(t.typcategory IN ('S', 'E', 'R') OR EXISTS (
                   SELECT FROM pg_opclass AS o JOIN pg_am AS m ON m.oid = o.opcmethod AND m.amname = 'btree'
                    WHERE o.opcdefault AND o.opcintype IN (t.oid, t.typbasetype, t.typelem))));
END
$$;
COMMENT ON FUNCTION asymm._unique_keys(oid, name[]) IS 'The keys of an index that keeps rows unique by columns, as CREATE INDEX wants them; NULL where there can be none.';

CREATE OR REPLACE FUNCTION asymm._unique_by(relation regclass, columns name[]) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_keys constant text := asymm._unique_keys(relation, columns);
BEGIN
    IF v_keys IS NOT NULL THEN
        RETURN format('CREATE UNIQUE INDEX CONCURRENTLY ON %s (%s) NULLS NOT DISTINCT', relation, v_keys);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION asymm._unique_by(regclass, name[]) IS 'The statement of an index that keeps rows unique by these columns, in words; NULL where there can be none.';

CREATE OR REPLACE FUNCTION asymm._require_unique(relation regclass, columns name[]) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_column name;
    v_partitioned constant boolean := (SELECT c.relkind = 'p' FROM pg_class AS c WHERE c.oid = relation);
BEGIN
    -- A build that finds two equal rows has the server write what they hold to its log.
    SELECT m.key INTO v_column FROM jsonb_each_text(asymm._masked_methods(relation)) AS m WHERE m.value <> 'hash' AND m.key = ANY (columns) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'column "%" of % is protected', v_column, relation
            USING ERRCODE = 'SY020', DETAIL = 'A build that finds equal rows writes what they hold to the server''s log.',
                  HINT = 'Name other columns, or store tokens of the driver and protect the column by method hash.';
    ELSIF asymm._unique_keys(relation, columns) IS NULL THEN
        RAISE EXCEPTION 'rows of % cannot be kept unique by an index', relation
            USING ERRCODE = 'wrong_object_type',
                  DETAIL = CASE WHEN v_partitioned THEN 'It is partitioned, and CONCURRENTLY works on partitions only.'
                                ELSE 'There are more than 32 columns, or one of a type without an order.' END,
                  HINT = CASE WHEN v_partitioned THEN 'Merge without unique_index, and make the index at a quiet moment.'
                              ELSE 'Name the columns that tell rows apart: columns => ''{…}''.' END;
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._require_unique(regclass, name[]) IS 'Raises 42809 or SY020 unless an index can be built that keeps rows unique by columns.';

-- Who merges has said so, and may approve an index of this table: it is approved.
CREATE OR REPLACE FUNCTION asymm._order_unique(relation oid, columns name[], merge bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_schema text;
    v_table text;
    v_relation record;
    v_tail text;
    v_name text;
    v_definition text;
    v_id bigint;
BEGIN
    SELECT n.nspname, c.relname INTO v_schema, v_table FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = relation;
    v_relation := asymm._advice_relation(jsonb_build_object('schema', v_schema, 'table', v_table));
    PERFORM asymm._require_rights(v_relation.owner, v_relation.display);
    PERFORM asymm._require_unique(relation, columns);
    v_tail := format('%I.%I USING btree (%s) NULLS NOT DISTINCT', v_schema, v_table, asymm._unique_keys(relation, columns));
    -- One at a time for the same index.
    PERFORM pg_advisory_xact_lock('asymm.index_action'::regclass::oid::integer, hashtext(relation || v_tail));
    IF EXISTS (SELECT FROM pg_index AS x WHERE x.indrelid = relation AND x.indisunique AND x.indisvalid
                  AND translate(asymm._index_shape(x.indexrelid), '() ', '') = translate(v_tail, '() ', '')) THEN
        RETURN NULL;
    END IF;
    SELECT a.id INTO v_id FROM asymm.index_action AS i JOIN asymm.action AS a ON a.id = i.action_id
     WHERE i.relid = relation AND i.keeps_unique AND i.shape = v_tail AND a.state IN ('approved', 'applying');
    IF FOUND THEN
        RETURN v_id;
    END IF;
    v_name := asymm._free_index_name(v_schema, concat_ws('_', v_table,
        (SELECT string_agg(left(regexp_replace(k, '\W+', '_', 'g'), 20), '_') FROM unnest(columns) AS k), 'key'));
    v_definition := format('CREATE UNIQUE INDEX %I ON %s', v_name, v_tail);
    INSERT INTO asymm.action (kind, target, object_kind, schema_name, object_name, owner, state, reason, requested_by, steps, evidence_before, due_at)
    VALUES ('create index', v_relation.display, v_relation.kind, v_schema, v_table, v_relation.owner, 'approved',
            format('asked for by %s with a merge', asymm._caller()), asymm._caller(),
            asymm._index_steps('create index', v_relation.kind, v_schema, v_table, v_name, v_definition, NULL),
            jsonb_strip_nulls(jsonb_build_object('schema', v_schema, 'table', v_table, 'definition', v_definition,
                'reason', 'duplicates were merged, and are to stay so', 'compared', columns, 'merge', merge)), 'infinity')
    RETURNING id INTO v_id;
    INSERT INTO asymm.index_action (action_id, relid, index_schema, index_name, shape, keeps_unique)
    VALUES (v_id, relation, v_schema, v_name, v_tail, true);
    INSERT INTO asymm.action_event (action_id, to_state, by_role, note)
    SELECT v_id, a.state, asymm._caller(), a.reason FROM asymm.action AS a WHERE a.id = v_id;
    RETURN v_id;
END
$$;
COMMENT ON FUNCTION asymm._order_unique(oid, name[], bigint)
    IS 'Has an index built that keeps rows unique by columns; the action, or NULL where there is such an index. Raises 42501, 42809, SY020.';

-- Rows that come back would break it. What was not begun is not wanted any more; what is there goes first.
CREATE OR REPLACE FUNCTION asymm._clear_unique(merge bigint, relation oid, compared jsonb, dry_run boolean) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v record;
BEGIN
    PERFORM asymm._require_merge(merge, ARRAY['verified']);
    FOR v IN SELECT a.id, a.state, i.index_name, i.index_schema
               FROM asymm.index_action AS i JOIN asymm.action AS a ON a.id = i.action_id
              WHERE i.relid = relation AND i.keeps_unique AND a.evidence_before -> 'compared' <@ compared
                AND (a.state IN ('approved', 'applying')
                     OR a.state IN ('applied', 'verified', 'reverting') AND EXISTS (SELECT FROM pg_class AS c WHERE c.oid = i.index_id))
              ORDER BY a.id FOR UPDATE OF a
    LOOP
        IF v.state <> 'approved' THEN
            PERFORM asymm._refuse_unmerge(merge,
                format(CASE v.state WHEN 'applying' THEN 'Index %I.%I, which keeps rows unique, is being built.'
                                    WHEN 'reverting' THEN 'Index %I.%I, which keeps rows unique, is about to be dropped.'
                                    ELSE 'Index %I.%I keeps rows unique.' END, v.index_schema, v.index_name),
                CASE WHEN v.state IN ('applying', 'reverting')
                     THEN format('Once it is done (SELECT * FROM asymm.advice WHERE action = %s), again.', v.id)
                     ELSE format('SELECT * FROM asymm.revert(%s); and, once a builder has dropped the index, SELECT * FROM asymm.revert(%s);',
                                 v.id, merge) END);
        ELSIF NOT dry_run THEN
            PERFORM asymm._set_action_state(v.id, 'expired', format('action %s, which it was to follow, was taken back', merge));
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION asymm._clear_unique(bigint, oid, jsonb, boolean)
    IS 'Sees to it that no index that keeps rows unique stands in the way of taking a merge back; raises SY008 for one that does.';
