-- Rows that are nearly the same. The rule: texts of the columns are put together, composed, in small letters, with one blank for
-- all that is neither letter nor digit. Equal then: "normalised". With pg_trgm besides: "trigram", the similarity of those that
-- stand within a few places of each other when sorted by that text, by it read backwards, or with its words in order. So the cost
-- is that of sorting, whatever the data; a pair that is alike but near in no order is not found.

CREATE OR REPLACE FUNCTION asymm._normalised(relation oid, columns name[], alias text) RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_text constant text := format('pg_catalog.concat_ws('' '', %s)', (SELECT string_agg(format('%s.%I', alias, c.name), ', ' ORDER BY c.place)
                                                                         FROM unnest(columns) WITH ORDINALITY AS c (name, place)));
BEGIN
    RETURN format('pg_catalog.btrim(pg_catalog.regexp_replace(pg_catalog.lower(%s), ''[^[:alnum:]]+'', '' '', ''g''))',
                  CASE WHEN getdatabaseencoding() = 'UTF8' THEN format('pg_catalog.normalize(%s, ''NFKC'')', v_text) ELSE v_text END);
END
$$;
COMMENT ON FUNCTION asymm._normalised(oid, name[], text) IS 'The expression of the normalised text of some columns.';

CREATE OR REPLACE FUNCTION asymm.find_near_duplicates(
    relation regclass, columns name[], threshold real DEFAULT 0.6, neighbours integer DEFAULT 4, most integer DEFAULT 100)
RETURNS TABLE (rule text, similarity real, first_key jsonb, second_key jsonb, first text, second text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_columns name[];
    v_trigrams text;
    v_each text;
BEGIN
    PERFORM asymm._require_text(columns::text, 'columns');
    v_columns := asymm._duplicate_columns(relation, columns, NULL);
    PERFORM asymm._require_text(most::text, 'most');
    IF threshold IS NULL OR threshold NOT BETWEEN 0.1 AND 1 OR neighbours IS NULL OR neighbours NOT BETWEEN 1 AND 50 THEN
        RAISE EXCEPTION 'threshold % or neighbours % is out of range', threshold, neighbours
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'A similarity is from 0.1 to 1; one to fifty neighbours are compared.',
                  HINT = 'Leave them out for 0.6 and 4.';
    END IF;
    SELECT format('%I.similarity', n.nspname) INTO v_trigrams
      FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm';
    v_each := format('d AS (SELECT n.text, pg_catalog.min(n.key) AS first, pg_catalog.max(n.key) AS last, pg_catalog.count(*) AS n
                              FROM (SELECT %s COLLATE "C" AS text, %s::pg_catalog.text COLLATE "C" AS key FROM %s AS t) AS n
                             WHERE n.text OPERATOR(pg_catalog.<>) '''' GROUP BY n.text),
                      e AS (SELECT ''normalised'' AS rule, 1::pg_catalog.float4 AS similarity, d.first, d.last, d.text, d.text AS other
                              FROM d WHERE d.n OPERATOR(pg_catalog.>) 1)',
                     asymm._normalised(relation, v_columns, 't'), asymm._key_expression(relation, 't'), relation);
    IF v_trigrams IS NOT NULL AND threshold < 1 THEN
        v_each := v_each || format(
            ', o AS MATERIALIZED (
                     SELECT d.first, d.text, x.turn, pg_catalog.row_number() OVER (PARTITION BY x.turn ORDER BY x.sorted, d.text) AS place
                       FROM d CROSS JOIN LATERAL (VALUES (1, d.text), (2, pg_catalog.reverse(d.text) COLLATE "C"),
                           (3, (SELECT pg_catalog.string_agg(w.word, '' '' ORDER BY w.word COLLATE "C")
                                  FROM pg_catalog.regexp_split_to_table(d.text, '' '') AS w (word)) COLLATE "C")) AS x (turn, sorted)),
               p AS (SELECT DISTINCT LEAST(a.text, b.text) AS text, GREATEST(a.text, b.text) AS other,
                            CASE WHEN a.text OPERATOR(pg_catalog.<) b.text THEN a.first ELSE b.first END AS first,
                            CASE WHEN a.text OPERATOR(pg_catalog.<) b.text THEN b.first ELSE a.first END AS last
                       FROM (SELECT o.*, g.far FROM o CROSS JOIN pg_catalog.generate_series(1, %s) AS g (far)) AS a
                       JOIN o AS b ON b.turn OPERATOR(pg_catalog.=) a.turn AND b.place OPERATOR(pg_catalog.=) (a.place OPERATOR(pg_catalog.+) a.far)),
               q AS (SELECT * FROM e UNION ALL
                     SELECT ''trigram'', s.similarity, p.first, p.last, p.text, p.other FROM p
                      CROSS JOIN LATERAL %s(p.text, p.other) AS s (similarity) WHERE s.similarity OPERATOR(pg_catalog.>=) %L::pg_catalog.float4)',
            neighbours, v_trigrams, threshold);
    ELSE
        v_each := v_each || ', q AS (SELECT * FROM e)';
    END IF;
    RETURN QUERY EXECUTE format('WITH %s SELECT q.rule, q.similarity, q.first::pg_catalog.jsonb, q.last::pg_catalog.jsonb, q.text, q.other FROM q
                                  ORDER BY q.similarity DESC, q.text, q.other LIMIT %s', v_each, GREATEST(most, 0));
END
$$;
COMMENT ON FUNCTION asymm.find_near_duplicates(regclass, name[], real, integer, integer)
    IS 'Pairs of rows whose texts are the same when case, marks, blanks and Unicode forms don''t count (normalised) or, where pg_trgm is installed, alike by trigrams among so many neighbours in three orders. Cost as of sorting. Raises 22004, 22023, 42501, 42703, 42P01, 42809.';
