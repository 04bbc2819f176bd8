-- What merging the duplicates of a table involves: who refers to it, by which columns, and what is in the way.

-- Each foreign key that refers to a table, with what is needed to point it elsewhere and back.
CREATE OR REPLACE FUNCTION asymm._references_to(relation oid) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT COALESCE(jsonb_agg(jsonb_build_object(
                   'constraint', k.conname, 'schema', n.nspname, 'table', c.relname, 'relid', c.oid::bigint, 'kind', c.relkind,
                   'columns', (SELECT jsonb_agg(a.attname ORDER BY x.place) FROM unnest(k.conkey) WITH ORDINALITY AS x (attnum, place)
                                 JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = x.attnum),
                   'refers', to_jsonb(k.confkey),
                   'operators', (SELECT jsonb_agg(format('OPERATOR(%I.%s)', o.nspname, p.oprname) ORDER BY x.place)
                                   FROM unnest(k.conpfeqop) WITH ORDINALITY AS x (oid, place)
                                   JOIN pg_operator AS p ON p.oid = x.oid JOIN pg_namespace AS o ON o.oid = p.oprnamespace),
                   'key', (SELECT jsonb_agg(a.attname ORDER BY x.place)
                             FROM pg_index AS i CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS x (attnum, place)
                             JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = x.attnum
                            WHERE i.indrelid = c.oid AND i.indisprimary AND x.place <= i.indnkeyatts),
                   'generated', (SELECT min(a.attname) FROM pg_attribute AS a
                                  WHERE a.attrelid = c.oid AND a.attnum = ANY (k.conkey) AND a.attgenerated <> ''),
                   'period', EXISTS (SELECT FROM pg_class AS i JOIN pg_am AS m ON m.oid = i.relam WHERE i.oid = k.conindid AND m.amname = 'gist'),
                   'indexed', EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = c.oid AND i.indkey[0] = ANY (k.conkey) AND i.indisvalid),
                   'rows', GREATEST(c.reltuples, 0)) ORDER BY n.nspname, c.relname, k.conname), '[]')
          FROM pg_constraint AS k JOIN pg_class AS c ON c.oid = k.conrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
         WHERE k.contype = 'f' AND k.confrelid = relation AND k.conparentid = 0);
END
$$;
COMMENT ON FUNCTION asymm._references_to(oid) IS 'The foreign keys that refer to a table, with their columns, operators and the primary key of who refers.';

-- Columns that tell a row or are referred to: the primary key's, and what foreign keys refer to.
CREATE OR REPLACE FUNCTION asymm._telling_columns(relation oid) RETURNS smallint[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN ARRAY(
        SELECT k.attnum FROM pg_index AS i CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (attnum, place)
         WHERE i.indrelid = relation AND i.indisprimary AND k.place <= i.indnkeyatts
        UNION
        SELECT unnest(k.confkey) FROM pg_constraint AS k WHERE k.contype = 'f' AND k.confrelid = relation AND k.conparentid = 0
        ORDER BY 1);
END
$$;
COMMENT ON FUNCTION asymm._telling_columns(oid) IS 'Numbers of the columns of a table that its primary key or foreign keys to it are made of.';

CREATE OR REPLACE FUNCTION asymm._primary_key(relation oid) RETURNS smallint[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN COALESCE((SELECT (i.indkey::smallint[])[0:i.indnkeyatts - 1] FROM pg_index AS i WHERE i.indrelid = relation AND i.indisprimary), '{}');
END
$$;
COMMENT ON FUNCTION asymm._primary_key(oid) IS 'Numbers of the columns of a primary key; empty without one.';

CREATE OR REPLACE FUNCTION asymm._refuse_merge(relation regclass, detail text, hint text) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'duplicates of % cannot be merged', relation USING ERRCODE = 'object_not_in_prerequisite_state', DETAIL = detail, HINT = hint;
END
$$;
COMMENT ON FUNCTION asymm._refuse_merge(regclass, text, text) IS 'Raises 55000 for a table whose duplicates can''t be merged.';

CREATE OR REPLACE FUNCTION asymm._require_mergeable(relation regclass, removed bigint DEFAULT NULL) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v pg_class;
    v_references constant jsonb := asymm._references_to(relation);
    v_key constant smallint[] := asymm._primary_key(relation);
    v_part text;
    r record;
BEGIN
    SELECT c.* INTO v FROM pg_class AS c WHERE c.oid = relation;
    -- Its rows would go, or lose what they refer to, with the rows removed.
    SELECT format('%s refers to its partition %s', k.conrelid::regclass, k.confrelid::regclass) INTO v_part
      FROM pg_constraint AS k
     WHERE k.contype = 'f' AND k.conparentid = 0 AND k.confrelid <> relation
       AND k.confrelid IN (SELECT t.relid FROM pg_partition_tree(relation) AS t)
     ORDER BY 1 LIMIT 1;
    IF v.relkind NOT IN ('r', 'p') THEN
        PERFORM asymm._refuse_merge(relation, 'It is not a table.', 'Merge the duplicates of the tables that it reads.');
    ELSIF v.relispartition THEN
        PERFORM asymm._refuse_merge(relation, 'It is a partition.', 'Merge those of the partitioned table.');
    ELSIF v.relkind = 'r' AND EXISTS (SELECT FROM pg_inherits AS i WHERE i.inhparent = relation) THEN
        PERFORM asymm._refuse_merge(relation, 'Other tables inherit from it, and keys do not hold across them.', 'Remove duplicates by hand.');
    ELSIF v_key = '{}' AND (v.relkind = 'p' OR v_references @> jsonb_build_array(jsonb_build_object('relid', relation::oid::bigint))) THEN
        PERFORM asymm._refuse_merge(relation, 'It has no primary key to tell its rows by.', 'Give it one.');
    ELSIF v_part IS NOT NULL THEN
        PERFORM asymm._refuse_merge(relation, format('Foreign key of %s, not to the whole.', v_part),
                                    'Have it refer to the partitioned table, or remove duplicates by hand.');
    ELSIF EXISTS (SELECT FROM pg_rewrite AS w WHERE w.ev_class = relation) THEN
        PERFORM asymm._refuse_merge(relation, 'Rules change what is done to its rows.', 'Drop the rules, or remove duplicates by hand.');
    END IF;
    IF row_security_active(relation) THEN
        PERFORM asymm._refuse_merge(relation, 'Policies hide rows of it from you.', 'Ask somebody who sees all rows, its owner for one.');
    END IF;
    FOR r IN SELECT j.*, format('%I.%I', j.schema, j."table") AS display
               FROM jsonb_to_recordset(v_references)
                    AS j ("constraint" name, schema name, "table" name, relid oid, key jsonb, generated text, period boolean,
                          indexed boolean, rows float8)
    LOOP
        IF row_security_active(r.relid) THEN
            PERFORM asymm._refuse_merge(relation, format('Policies hide rows of %s, which refers to it, from you.', r.display),
                                        'Ask somebody who sees all rows, the owner for one.');
        ELSIF r.key IS NULL THEN
            PERFORM asymm._refuse_merge(relation, format('%s refers to it and has no primary key, so that could not be taken back.', r.display),
                                        format('Give it one: ALTER TABLE %s ADD PRIMARY KEY (…);', r.display));
        ELSIF r.period THEN
            PERFORM asymm._refuse_merge(relation,
                format('Foreign key "%s" of %s refers to its periods, not to single rows.', r."constraint", r.display),
                'Remove duplicates by hand.');
        ELSIF r.generated IS NOT NULL THEN
            PERFORM asymm._refuse_merge(relation, format('Column "%s" of %s refers to it and is generated.', r.generated, r.display),
                                        'Remove duplicates by hand.');
        ELSIF EXISTS (SELECT FROM pg_rewrite AS w WHERE w.ev_class = r.relid) THEN
            PERFORM asymm._refuse_merge(relation, format('Rules change what is done to the rows of %s, which refers to it.', r.display),
                                        'Drop the rules, or remove duplicates by hand.');
        ELSIF NOT r.indexed AND r.rows * removed > 1e9 THEN
            PERFORM asymm._refuse_merge(relation,
                format('Foreign key "%s" of %s has no index: all its rows would be read for each row removed.', r."constraint", r.display),
                format('CREATE INDEX CONCURRENTLY ON %s (…); or merge fewer at a time: most_groups => 1000.', r.display));
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION asymm._require_mergeable(regclass, bigint) IS 'Raises 55000 with what is in the way of merging duplicates of a table; removed: so many rows are to go.';

-- What is older is said by a column of times that are set as rows come, or by a key that counts up.
CREATE OR REPLACE FUNCTION asymm._age_order(relation oid, alias text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_columns name[];
BEGIN
    SELECT array_agg(a.attname) INTO v_columns
      FROM pg_attribute AS a JOIN pg_attrdef AS d ON (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
     WHERE a.attrelid = relation AND NOT a.attisdropped AND a.attgenerated = ''
       AND a.atttypid IN ('timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype)
       AND pg_get_expr(d.adbin, d.adrelid) ~ '^\(?(now|clock_timestamp|statement_timestamp|transaction_timestamp)\(\)|^\(?(CURRENT|LOCAL)[A-Z_]*';
    IF cardinality(v_columns) IS DISTINCT FROM 1 THEN
        SELECT array_agg(a.attname) INTO v_columns FROM pg_attribute AS a
         WHERE a.attrelid = relation AND ARRAY[a.attnum] = asymm._primary_key(relation)
           AND a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype);
    END IF;
    RETURN CASE WHEN cardinality(v_columns) = 1 THEN format('%s.%I', alias, v_columns[1]) END;
END
$$;
COMMENT ON FUNCTION asymm._age_order(oid, text) IS 'By what the rows of a table are older and newer: its only column of times that default to now, else an integer primary key; NULL if neither.';

-- Texts by output functions alone, in which input functions find the same values again.
CREATE OR REPLACE FUNCTION asymm._value_texts(relation oid, columns smallint[], prefix text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN format('ARRAY[%s]::text[]', (
        SELECT string_agg(format('CASE WHEN pg_catalog.num_nulls(%1$s) OPERATOR(pg_catalog.=) 0 THEN pg_catalog.concat(%1$s) END', v.name), ', '
                          ORDER BY v.place)
          FROM (SELECT CASE WHEN prefix LIKE '%.' THEN format('%s%I', prefix, a.attname) ELSE format('%s%s', prefix, c.attnum) END AS name, c.place
                  FROM unnest(columns) WITH ORDINALITY AS c (attnum, place)
                  JOIN pg_attribute AS a ON a.attrelid = relation AND a.attnum = c.attnum) AS v));
END
$$;
COMMENT ON FUNCTION asymm._value_texts(oid, smallint[], text) IS 'The expression of an array of texts of columns: prefix "t." takes them by name, "m.r" by number.';

-- By the operators of the key's own index, wherever they live; one without overlaps is of GiST, and a B-tree knows what is equal.
CREATE OR REPLACE FUNCTION asymm._key_match(relation oid, alias text, other text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN COALESCE((
        SELECT string_agg(format('%s.%I OPERATOR(%I.%s) %s%s', alias, a.attname, s.nspname, o.oprname, other, a.attnum), ' AND ' ORDER BY k.place)
          FROM pg_index AS i CROSS JOIN (SELECT m.oid FROM pg_am AS m WHERE m.amname = 'btree') AS b
         CROSS JOIN LATERAL unnest(i.indkey::smallint[], i.indclass::oid[]) WITH ORDINALITY AS k (attnum, class, place)
          JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
          JOIN pg_opclass AS d ON d.oid = k.class
          JOIN pg_opclass AS c ON c.opcmethod = b.oid AND (c.oid = d.oid OR d.opcmethod <> b.oid AND c.opcintype = d.opcintype AND c.opcdefault)
          JOIN pg_amop AS m ON m.amopfamily = c.opcfamily AND m.amopstrategy = 3 AND m.amoplefttype = c.opcintype AND m.amoprighttype = c.opcintype
          JOIN pg_operator AS o ON o.oid = m.amopopr JOIN pg_namespace AS s ON s.oid = o.oprnamespace
         WHERE i.indrelid = relation AND i.indisprimary AND k.place <= i.indnkeyatts), format('%s.ctid OPERATOR(pg_catalog.=) %s0', alias, other));
END
$$;
COMMENT ON FUNCTION asymm._key_match(oid, text, text) IS 'The condition by which a row of a table is found again: its primary key, or its place where it has none.';

CREATE OR REPLACE FUNCTION asymm._reference_match(reference jsonb, alias text, other text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT string_agg(format('%s%s %s %s.%I', other, r.attnum, o.operator, alias, c.name), ' AND ')
              FROM jsonb_array_elements_text(reference -> 'columns') WITH ORDINALITY AS c (name, place)
              JOIN jsonb_array_elements_text(reference -> 'refers') WITH ORDINALITY AS r (attnum, place) USING (place)
              JOIN jsonb_array_elements_text(reference -> 'operators') WITH ORDINALITY AS o (operator, place) USING (place));
END
$$;
COMMENT ON FUNCTION asymm._reference_match(jsonb, text, text) IS 'The condition of a foreign key between who refers and columns called by a prefix and their number.';

CREATE OR REPLACE FUNCTION asymm._reference_table(reference jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN format(CASE reference ->> 'kind' WHEN 'p' THEN '%I.%I' ELSE 'ONLY %I.%I' END, reference ->> 'schema', reference ->> 'table');
END
$$;
COMMENT ON FUNCTION asymm._reference_table(jsonb) IS 'The table that a foreign key belongs to, as FROM wants it.';
