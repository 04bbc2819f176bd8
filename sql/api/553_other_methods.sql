-- Indexes other than the usual b-tree, chosen by what the catalogs say an operator class can find.

-- What an index needs so that LIKE 'abc%' is a range: the pattern must be known, and the order be that of bytes.
CREATE OR REPLACE FUNCTION asymm._pattern_key(relation oid, key text, attribute name, type oid, operator text, constant text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_collation oid;
BEGIN
    IF operator NOT IN ('~~', '^@') OR type NOT IN ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype)
       OR (constant ~ CASE operator WHEN '~~' THEN '^''[^%_\\'']' ELSE '^''[^'']' END) IS NOT TRUE THEN
        RETURN NULL;
    END IF;
    v_collation := COALESCE((SELECT a.attcollation FROM pg_attribute AS a WHERE a.attrelid = relation AND a.attname = attribute),
                            'pg_catalog."default"'::regcollation);
    IF v_collation = 'pg_catalog."C"'::regcollation
       OR v_collation = 'pg_catalog."default"'::regcollation
          AND (SELECT d.datcollate IN ('C', 'POSIX') AND d.datlocprovider = 'c' FROM pg_database AS d WHERE d.datname = current_database()) THEN
        RETURN key;
    END IF;
    RETURN format('%s %s', key, CASE WHEN type = 'bpchar'::regtype THEN 'bpchar_pattern_ops' ELSE 'text_pattern_ops' END);
END
$$;
COMMENT ON FUNCTION asymm._pattern_key(oid, text, name, oid, text, text) IS 'The key a pattern with a known beginning is found by; NULL for anything else.';

CREATE OR REPLACE FUNCTION asymm._method_candidates(relation oid, key text, attribute name, type oid, usage text, operator text, opno oid)
RETURNS TABLE (method text, indexed text, reason text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_method name;
    v_class text;
    v_large boolean := (SELECT c.relpages >= 4096 OR c.relkind = 'p' AND c.reltuples >= 500000 FROM pg_class AS c WHERE c.oid = relation);
    v_width integer;
    v_correlation real;
BEGIN
    -- What an index on patterns is asked has an index.
    IF usage IN ('other', 'near') AND opno IS NOT NULL AND operator !~ '^~[<>]=?~$' THEN
        FOREACH v_method IN ARRAY ARRAY['gin', 'gist', 'spgist']::name[] LOOP
            SELECT s.class INTO v_class FROM asymm._index_strategy(opno, type, v_method) AS s
             WHERE (s.purpose = 'o') = (usage = 'near')
               -- By name only, what comes with the server has classes that find but little of it.
               AND (s.is_default OR s.class NOT IN ('jsonb_path_ops', 'kd_point_ops', 'network_ops'));
            IF FOUND THEN
                RETURN QUERY SELECT v_method::text, concat_ws(' ', key, v_class), format('%s finds %s', v_method, operator);
                RETURN;
            END IF;
        END LOOP;
    ELSIF usage IN ('range', 'equality') AND attribute IS NOT NULL AND (usage = 'equality' OR v_large) THEN
        SELECT s.avg_width, s.correlation INTO v_width, v_correlation
          FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
          JOIN pg_stats AS s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = attribute WHERE c.oid = relation
         ORDER BY s.correlation IS NULL LIMIT 1;
        IF usage = 'range' AND abs(v_correlation) >= 0.9 AND EXISTS (SELECT FROM asymm._index_strategy(opno, type, 'brin')) THEN
            RETURN QUERY SELECT 'brin', key, format('range on %s, in whose order the rows lie', key);
        ELSIF usage = 'equality' AND v_width >= 64 AND EXISTS (SELECT FROM asymm._index_strategy(opno, type, 'hash')) THEN
            RETURN QUERY SELECT 'hash', key, format('equality on %s, whose values are long', key);
        END IF;
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._method_candidates(oid, text, name, oid, text, text, oid)
    IS 'gin, gist, spgist, brin or hash where they find what a comparison asks for.';

-- A foreign key whose columns no index begins with: every row deleted in the table it points to means a scan.
CREATE OR REPLACE FUNCTION asymm._unindexed_keys() RETURNS TABLE (constraint_id oid, name name, relid oid, keys text[], referenced oid)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT c.oid, c.conname, c.conrelid, ARRAY(SELECT quote_ident(a.attname) FROM unnest(c.conkey) WITH ORDINALITY AS k (attnum, n)
                                                 JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = k.attnum ORDER BY k.n), c.confrelid
      FROM pg_constraint AS c
      JOIN pg_class AS r ON r.oid = c.conrelid JOIN pg_namespace AS n ON n.oid = r.relnamespace
     CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM pg_class AS p JOIN pg_am AS a ON a.oid = p.relam
                                         WHERE p.oid = c.conindid AND a.amname = 'gist') AS period) AS k
     WHERE c.contype = 'f' AND c.conparentid = 0 AND n.nspname <> 'asymm' AND r.relpersistence <> 't'
       -- One that is not enforced has no triggers, so it reads nothing.
       AND EXISTS (SELECT FROM pg_trigger AS t WHERE t.tgconstraint = c.oid)
       AND NOT EXISTS (SELECT FROM pg_index AS i JOIN pg_class AS x ON x.oid = i.indexrelid JOIN pg_am AS m ON m.oid = x.relam
                        WHERE i.indrelid = c.conrelid AND i.indisvalid AND i.indpred IS NULL
                          AND (m.amname = 'btree' OR k.period AND m.amname = 'gist')
                          AND (i.indkey::smallint[])[0:cardinality(c.conkey) - 1] @> c.conkey);
END
$$;
COMMENT ON FUNCTION asymm._unindexed_keys() IS 'Foreign keys without an index on the table that has them: a DELETE in the other table scans it for every row.';
