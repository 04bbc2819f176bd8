--- what people write in views
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TYPE pair AS (x int, y text);
CREATE DOMAIN dom AS varchar(9);
CREATE SEQUENCE sq;
CREATE TABLE t (a int, b text, v varchar(20), c char(3), n numeric(10, 2), f float8, big bigint, sm smallint, d date, ts timestamptz,
    u uuid, m mood, dom dom, j jsonb, tags text[], p pair, nm name, inet_col inet);
CREATE VIEW q0 AS SELECT a, 'x' FROM t UNION ALL SELECT a, 'y' FROM t;
CREATE VIEW q1 AS SELECT a, NULL AS n FROM t UNION ALL SELECT a, b FROM t;
CREATE VIEW q2 AS SELECT a, b FROM t UNION ALL SELECT NULL, NULL;
CREATE VIEW q3 AS SELECT a FROM t UNION SELECT -1;
CREATE VIEW q4 AS SELECT 1 AS x UNION SELECT 2 UNION ALL (SELECT 3 EXCEPT SELECT '4');
CREATE VIEW q5 AS SELECT a FROM t WHERE EXISTS (SELECT NULL FROM t t2 WHERE t2.a = t.a);
CREATE VIEW q6 AS SELECT a FROM t WHERE EXISTS (SELECT 1 FROM t t2 WHERE t2.a = t.a);
CREATE VIEW q7 AS SELECT a FROM t WHERE EXISTS (SELECT 'x' FROM t t2 WHERE t2.a = t.a);
CREATE VIEW q8 AS SELECT a FROM t WHERE EXISTS (SELECT * FROM t t2 WHERE t2.a = t.a);
CREATE VIEW q9 AS SELECT a FROM t WHERE b IN (SELECT 'q');
CREATE VIEW q10 AS SELECT (SELECT 'q') AS z;
CREATE VIEW q11 AS SELECT (SELECT -1), ARRAY(SELECT 'x' FROM t);
CREATE VIEW q12 AS SELECT s.* FROM (SELECT 'x', 1, -1 AS m) s(p, q, r);
CREATE VIEW q13 AS SELECT * FROM (SELECT 'x' AS k UNION ALL SELECT 'y') s;
CREATE VIEW q14 AS WITH c AS (SELECT 'x' AS k UNION ALL SELECT 'y') SELECT * FROM c;
CREATE VIEW q15 AS WITH c(k, l) AS (SELECT 'x', NULL UNION ALL SELECT 'y', 2) SELECT * FROM c;
CREATE VIEW q16 AS SELECT CASE WHEN a > 0 THEN 'x' ELSE NULL END FROM t UNION ALL SELECT CASE WHEN a > 0 THEN 'y' END FROM t;
CREATE VIEW q17 AS SELECT coalesce(b, 'x') FROM t UNION ALL SELECT coalesce(b, 'y') FROM t;
CREATE VIEW q18 AS SELECT v FROM t UNION ALL SELECT b FROM t;
CREATE VIEW q19 AS SELECT v FROM t UNION ALL SELECT 'lit';
CREATE VIEW q20 AS SELECT 1.5 UNION ALL SELECT -2.5;
CREATE VIEW q21 AS SELECT a FROM t WHERE v IN ('a','b');
CREATE VIEW q22 AS SELECT a FROM t WHERE v NOT IN ('a','b');
CREATE VIEW q23 AS SELECT a FROM t WHERE v = 'a' OR v = ANY ('{a,b}');
CREATE VIEW q24 AS SELECT a FROM t WHERE v = ANY (ARRAY['a','b']);
CREATE VIEW q25 AS SELECT a FROM t WHERE v = ANY (ARRAY['a','b']::text[]);
CREATE VIEW q26 AS SELECT a FROM t WHERE v IN ('a', b);
CREATE VIEW q27 AS SELECT a FROM t WHERE v IN ('a', lower(v), 'c');
CREATE VIEW q28 AS SELECT a FROM t WHERE b IN ('a', v);
CREATE VIEW q29 AS SELECT a FROM t WHERE lower(v) IN ('a', 'b');
CREATE VIEW q30 AS SELECT a FROM t WHERE c IN ('a','b');
CREATE VIEW q31 AS SELECT a FROM t WHERE c = 'a';
CREATE VIEW q32 AS SELECT a FROM t WHERE a IN (1,2,3);
CREATE VIEW q33 AS SELECT a FROM t WHERE a IN (1,-2,3);
CREATE VIEW q34 AS SELECT a FROM t WHERE big IN (1,2);
CREATE VIEW q35 AS SELECT a FROM t WHERE n IN (1, 2.5);
CREATE VIEW q36 AS SELECT a FROM t WHERE n IN (1, -2);
CREATE VIEW q37 AS SELECT a FROM t WHERE f IN (1, 2);
CREATE VIEW q38 AS SELECT a FROM t WHERE d IN ('2020-01-01', '2020-02-01');
CREATE VIEW q39 AS SELECT a FROM t WHERE u IN ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11');
CREATE VIEW q40 AS SELECT a FROM t WHERE u IN ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12');
CREATE VIEW q41 AS SELECT a FROM t WHERE m IN ('sad','ok');
CREATE VIEW q42 AS SELECT a FROM t WHERE m <> ALL (ARRAY['sad','ok']::mood[]);
CREATE VIEW q43 AS SELECT a FROM t WHERE dom IN ('x','y');
CREATE VIEW q44 AS SELECT a FROM t WHERE v LIKE ANY (ARRAY['a%','b%']);
CREATE VIEW q45 AS SELECT a FROM t WHERE v ILIKE 'x%' AND v SIMILAR TO 'a|b' AND v ~* 'x' AND v NOT LIKE 'z' ESCAPE '!';
CREATE VIEW q46 AS SELECT a FROM t WHERE a BETWEEN SYMMETRIC 5 AND 1 AND d BETWEEN '2020-01-01' AND '2020-02-01';
CREATE VIEW q47 AS SELECT a FROM t WHERE (a, big) IN ((1, 2), (3, 4));
CREATE VIEW q48 AS SELECT a FROM t WHERE (a, big) = (1, 2) AND (a, v) < (2, 'x') AND ROW(a, v) IS NOT NULL;
CREATE VIEW q49 AS SELECT a FROM t WHERE v = 'x'::varchar(3) AND b = 'y'::char(3);
CREATE VIEW q50 AS SELECT a FROM t WHERE a IS DISTINCT FROM 3 AND (a > 1) IS TRUE AND (a > 2) IS NOT UNKNOWN AND NOT a = 4 AND b IS NULL;
CREATE VIEW q51 AS SELECT sum(a) OVER (ORDER BY b ROWS UNBOUNDED PRECEDING), avg(a) OVER (PARTITION BY b ORDER BY d RANGE BETWEEN
    interval '1 day' PRECEDING AND CURRENT ROW EXCLUDE TIES), lag(a, 1, -1) OVER w, ntile(4) OVER w, first_value(v) OVER w FROM t
    WINDOW w AS (ORDER BY a DESC);
CREATE VIEW q52 AS SELECT count(*) FILTER (WHERE v IN ('a','b')), percentile_cont(0.5) WITHIN GROUP (ORDER BY a),
    string_agg(DISTINCT b, ',' ORDER BY b DESC), array_agg(a ORDER BY b, a DESC), mode() WITHIN GROUP (ORDER BY v), json_agg(t ORDER
    BY a) FROM t;
CREATE VIEW q53 AS SELECT b, v, sum(a), grouping(b, v) FROM t GROUP BY CUBE (b, v) HAVING sum(a) > 1;
CREATE VIEW q54 AS SELECT b, v FROM t GROUP BY DISTINCT ROLLUP (b), ROLLUP (v);
CREATE VIEW q55 AS SELECT t.a, x.* FROM t, LATERAL (SELECT t.a + 1 AS p, 'q' AS q) x;
CREATE VIEW q56 AS SELECT * FROM t TABLESAMPLE bernoulli (10) REPEATABLE (1);
CREATE VIEW q57 AS SELECT * FROM (VALUES (1, 'a'), (2, NULL)) v(p, q);
CREATE VIEW q58 AS VALUES (1, 'a'), (-2, NULL);
CREATE VIEW q59 AS SELECT column1, column2 FROM (VALUES (1, 'a'), (2, 'b')) v;
CREATE VIEW q60 AS (SELECT a FROM t ORDER BY a LIMIT 1) UNION ALL (SELECT a FROM t ORDER BY a DESC LIMIT 1) ORDER BY 1 LIMIT 5 OFFSET 2;
CREATE VIEW q61 AS SELECT a FROM t ORDER BY b NULLS FIRST, a USING > FETCH FIRST 3 ROWS WITH TIES;
CREATE VIEW q62 AS SELECT DISTINCT ON (b) b, a FROM t ORDER BY b, a DESC;
CREATE VIEW q63 AS SELECT a FROM t FOR UPDATE;
CREATE VIEW q64 AS SELECT * FROM generate_series(1, 3) WITH ORDINALITY AS g(i, o);
CREATE VIEW q65 AS SELECT * FROM ROWS FROM (generate_series(1,2), unnest(ARRAY['a','b'])) AS r(x, y);
CREATE VIEW q66 AS SELECT * FROM json_to_recordset('[{"a":1}]') AS x(a int, b text);
CREATE VIEW q67 AS SELECT * FROM jsonb_each('{"a":1}') WHERE value = '1';
CREATE VIEW q68 AS SELECT tags && ARRAY['a','b'] AS x, tags @> '{a}' AS y, tags = '{}' AS z FROM t;
CREATE VIEW q69 AS SELECT (p).x, p, ROW(1, 'a')::pair AS pr, (ROW(1, 'a')::pair).y FROM t;
CREATE VIEW q70 AS SELECT t FROM t;
CREATE VIEW q71 AS SELECT t.*, t2.a AS a2 FROM t JOIN t t2 USING (big);
CREATE VIEW q72 AS SELECT * FROM (SELECT a, big FROM t) q NATURAL JOIN (SELECT a FROM t) r;
CREATE VIEW q73 AS SELECT j.a FROM t JOIN t AS t2 USING (a) AS j;
CREATE VIEW q74 AS SELECT nullif(a, 0), greatest(a, 1, 2), least(b, 'x'), coalesce(v, b, 'z') FROM t;
CREATE VIEW q75 AS SELECT CASE v WHEN 'a' THEN 1 WHEN 'b' THEN -1 ELSE 0 END, CASE WHEN v IN ('a','b') THEN 'y' END AS q, CASE a
    WHEN 1 THEN 'x' END AS r FROM t;
CREATE VIEW q76 AS SELECT CASE c WHEN 'a' THEN 1 END AS x, CASE m WHEN 'ok' THEN 1 END AS y FROM t;
CREATE VIEW q77 AS SELECT to_tsvector('english', b) @@ to_tsquery('x & y') AS ft, to_tsvector(b) AS tv, 'simple'::regconfig AS rc FROM t;
CREATE VIEW q78 AS SELECT 't'::regclass AS rc, 'int4'::regtype AS rt, 'lower(text)'::regprocedure AS rp;
CREATE VIEW q79 AS SELECT int4range(1, 5) && int4range(a, 9), '[1,2]'::int4range AS r, a <@ '[1,5]'::int4range AS q FROM t;
CREATE VIEW q80 AS SELECT nextval('sq'), currval('sq');
CREATE VIEW q82 AS SELECT a FROM t WHERE a = ANY (SELECT a FROM t) AND a > ALL (SELECT 1) AND (a, big) IN (SELECT a, big FROM t)
    AND a NOT IN (SELECT 2);
CREATE VIEW q83 AS SELECT a FROM t WHERE v = (SELECT max(v) FROM t) AND NOT EXISTS (TABLE t);
CREATE VIEW q84 AS WITH RECURSIVE r(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT n FROM r;
CREATE VIEW q85 AS WITH RECURSIVE r AS (SELECT a, 'root' AS k, NULL::text AS parent, 0 AS lvl FROM t UNION ALL SELECT r.a,
    'child', k, lvl + 1 FROM r) SELECT * FROM r;
CREATE VIEW q86 AS WITH m AS MATERIALIZED (SELECT 1 AS x), nm AS NOT MATERIALIZED (SELECT 2 AS y) SELECT * FROM m, nm;
CREATE VIEW q87 AS SELECT current_user, session_user, current_setting('search_path'), current_database(), version(),
    current_catalog, current_role;
CREATE VIEW q88 AS SELECT a FROM ONLY t WHERE a > 0;
CREATE VIEW q89 AS SELECT * FROM t WHERE ts > now() - interval '30 days' AND ts::date = current_date AND extract(dow FROM ts) IN
    (0, 6) AND to_char(ts, 'YYYY-MM') = '2020-01';
CREATE VIEW q90 AS SELECT a, row_number() OVER (), rank() OVER (ORDER BY sum(a)) FROM t GROUP BY a;
CREATE VIEW q91 AS SELECT 'a' AS "Mixed", 'b' AS "select", 'c' AS "quo""tj", 1 AS "?column?", 2 AS "case";
CREATE VIEW q92 AS SELECT a AS b, b AS a FROM t;
CREATE VIEW q93 AS SELECT lower(b), upper(b) AS up, length(b)::bigint, md5(b), b::bytea, b::json -> 'x' AS jx FROM t;
CREATE VIEW q94 AS SELECT format('%s', a), concat(a, b, 'x'), concat_ws(',', a, NULL), quote_literal(b) FROM t;
CREATE VIEW q95 AS SELECT x FROM unnest(ARRAY[1,2,3]) x WHERE x = ANY ('{1,2}'::int[]);
CREATE VIEW q96 AS SELECT v FROM t WHERE v = 'a' UNION SELECT 'b' UNION SELECT NULL ORDER BY 1;
CREATE VIEW q97 AS SELECT a, b, 'customer' AS type, NULL::int AS ref FROM t UNION ALL SELECT a, b, 'supplier', a FROM t UNION ALL
    SELECT a, b, 'other', NULL FROM t;
CREATE VIEW q98 AS SELECT * FROM t WHERE v IN (SELECT unnest(ARRAY['a', 'b'])) AND v = ALL ('{a}');
CREATE VIEW q99 AS SELECT make_interval(days => 3), substr('abc', 2) AS sb, round(1.5) AS r, power(2, 3) AS p, mod(5, 2) AS md;
CREATE VIEW q100 AS SELECT a FROM t WHERE v::text IN ('a','b') AND b::varchar IN ('c', 'd') AND c::text IN ('e', 'f');
CREATE VIEW q101 AS SELECT a FROM t WHERE v IN ('a') AND v IN ('a', NULL);
CREATE VIEW q102 AS SELECT a FROM t WHERE nm IN ('a', 'b') AND nm = 'x';
CREATE VIEW q103 AS SELECT a FROM t WHERE ts IN ('2020-01-01', '2020-01-02') AND ts > '2020-01-01' AND n > 1 AND n > '2' AND f > 1
    AND big > 5 AND sm IN (1, 2) AND sm = 3;
CREATE VIEW q104 AS SELECT a FROM t WHERE tags IN ('{a}', '{b}') AND j IN ('1', '2') AND inet_col IN ('1.2.3.4', '::1');
CREATE VIEW q105 AS SELECT a FROM t WHERE v BETWEEN 'a' AND 'z' AND v > 'b' AND c > 'b' AND c BETWEEN 'a' AND 'b';
CREATE VIEW q106 AS SELECT CASE WHEN v IN ('a') THEN 'x' WHEN v IN ('b', 'c') THEN 'y' ELSE v END AS k FROM t;
CREATE VIEW q107 AS SELECT coalesce(v, 'none') || ':' || coalesce(a::text, '-') AS k, coalesce(n, 0) AS z, coalesce(ts, 'epoch')
    AS e, coalesce(c, 'x') AS cc FROM t;
CREATE VIEW q108 AS SELECT (SELECT count(*) FROM t t2 WHERE t2.v = 'x' AND t2.a = t.a) AS cnt, (SELECT 'lit' FROM t LIMIT 1) AS
    lit, (SELECT NULL::int) AS nul, (SELECT -1) AS neg FROM t;
CREATE VIEW q109 AS SELECT array(SELECT 'x'), array(SELECT -1) AS y, array(SELECT NULL) AS z;
CREATE VIEW q110 AS SELECT a IN (SELECT -1) AS q, b IN (SELECT 'x' UNION SELECT 'y') AS r FROM t;
CREATE VIEW q111 AS SELECT v::varchar(3) AS c1, b::char(2) AS c2, a::numeric(10,2) AS c3, n::int AS c4, n::text AS c5,
    'x'::varchar(5) AS c6, 'abc'::char(2) AS c7, d::timestamp AS c8, ts::time AS c9, '12'::int AS c10, b::mood AS c11 FROM t;
CREATE VIEW q112 AS SELECT v || b AS c1, v || 'x' AS c2, a || 'x' AS c3, v || a AS c4, v || v AS c5, c || 'x' AS c6, c || v AS c7,
    m || 'x' AS c8, nm || 'x' AS c9 FROM t;
CREATE VIEW q113 AS SELECT d + 1 AS c1, d + interval '1 day' AS c2, ts - interval '2 hours' AS c3, ts AT TIME ZONE 'UTC' AS c4,
    extract(epoch FROM ts) AS c5, date_part('year', ts) AS c6, date_trunc('month', ts) AS c7, now() AS c8, current_timestamp AS c9,
    current_date AS c10, localtime(0) AS c11, d - d AS c12, ts::date AS c13, ts BETWEEN now() - interval '1 day' AND now() AS c14 FROM t;
CREATE VIEW q114 AS SELECT position('a' IN b) AS c1, substring(b FROM 1 FOR 2) AS c2, substring(b FROM 'x') AS c3, overlay(b
    PLACING 'z' FROM 1) AS c4, trim(b) AS c5, trim(both 'x' FROM b) AS c6, trim(leading FROM b) AS c7, char_length(b) AS c8, b COLLATE
    "C" AS c9, normalize(b, NFC) AS c10, b IS NORMALIZED AS c11, substring(b SIMILAR 'a' ESCAPE '#') AS c12 FROM t;
CREATE VIEW q115 AS SELECT j -> 'a' AS c1, j ->> 'b' AS c2, j #>> '{a,b}' AS c3, j @> '{"x":1}' AS c4, j ? 'k' AS c5, j ['a'] AS
    c6, jsonb_build_object('k', a) AS c7, to_jsonb(t) AS c8, j || '{"z":2}' AS c9, j @? '$.a' AS c10, j - 'a' AS c11 FROM t;
CREATE VIEW q116 AS SELECT tags[1] AS c1, tags[1:2] AS c2, tags || 'x'::text AS c3, 'x' = ANY (tags) AS c4, ARRAY[1,2] AS c5,
    ARRAY['a', b] AS c6, ARRAY[]::int[] AS c7, array_length(tags, 1) AS c8, ARRAY[[1,2],[3,4]] AS c9, '{1,2}'::int[] AS c10, tags[:2]
    AS c11 FROM t;
CREATE VIEW q117 AS SELECT x.q FROM (t JOIN t t2 ON t.a = t2.a) AS x(q);
CREATE VIEW q118 AS SELECT x.a, y.b FROM t x LEFT JOIN t y ON x.a = y.a AND y.b = 'q' RIGHT JOIN t z ON z.a = y.a FULL JOIN t w ON
    w.a = z.a CROSS JOIN (SELECT 1 AS one) o;
CREATE VIEW q119 AS SELECT interval '1' year AS c1, interval '1-2' year to month AS c2, time '10:00' AS c3, timestamptz
    '2020-01-01 00:00:00+02' AS c4, timestamp '2020-01-01' AS c5, date '2020-01-01' - 1 AS c6, interval '1.5 hours' * 2 AS c7, timetz
    '10:00+01' AS c8, interval '1 day 02:03:04.5' day to second(1) AS c9;
CREATE VIEW q120 AS SELECT '1.50'::numeric AS c1, 1e10 AS c2, 1::float4 AS c3, 0.1::float8 AS c4, 12345678901234 AS c5,
    1::smallint AS c6, true AS c7, 'inf'::float8 AS c8, B'101' AS c9, X'1F' AS c10, '\xDEAD'::bytea AS c11, -9223372036854775808 AS
    c12, 1.0 AS c13, .5 AS c14, 'NaN'::numeric AS c15, NULL AS c16, '1'::bit(3) AS c17;
CREATE VIEW q121 AS SELECT E'a\nb\\c''d' AS c1, 'back\slash' AS c2, U&'\00e9' AS c3, $$dollar $1$$ AS c4, '%s %I' AS f;
CREATE VIEW q123 AS WITH RECURSIVE r(n, p) AS (SELECT a, b FROM t UNION ALL SELECT n + 1, p FROM r) SEARCH DEPTH FIRST BY n SET o
    SELECT n FROM r ORDER BY o;
CREATE VIEW q124 AS SELECT count(DISTINCT a) AS c1, count(b) AS c2, max(d) AS c3, bool_and(a > 1) AS c4, every(a > 0) AS c5,
    sum(n)::int AS c6, round(avg(n), 2) AS c7, sum(a)::numeric / count(*) AS c8 FROM t;
CREATE VIEW q125 AS SELECT a > 1 AND b = 'x' OR NOT (v = 'y' AND a < 2) AS c1, (a = 1) = true AS eq, (a > 1) = (a > 2) AS e2 FROM t;
CREATE VIEW q126 AS SELECT pg_typeof('x') AS c1, pg_typeof(NULL) AS pn, array_agg('x'::text) AS ax, count('x') AS cx,
    jsonb_build_object('a', NULL, 'b', 'x') AS jb;
CREATE VIEW q127 AS SELECT a FROM t WHERE v NOT BETWEEN 'a' AND 'z' OR n NOT BETWEEN 1 AND 2 OR b = 'x';
CREATE VIEW q128 AS SELECT a FROM t WHERE (n BETWEEN 1 AND 2 OR n BETWEEN 3 AND 4) AND a BETWEEN 1 AND 2 AND (a NOT BETWEEN
    SYMMETRIC 2 AND 1 OR b = ')) AND ((');
CREATE VIEW q129 AS SELECT a FROM t WHERE ((a BETWEEN 1 AND 2)) AND NOT (a BETWEEN 1 AND 2 AND b = 'x') AND CASE WHEN a BETWEEN 1
    AND 2 AND b = 'x' THEN true ELSE a BETWEEN 5 AND 6 AND n > 1 END;
CREATE VIEW q130 AS SELECT t.a FROM t JOIN t u ON t.a BETWEEN u.a AND u.big AND t.b = u.b AND t.v IN ('x', 'y');
CREATE VIEW q131 AS SELECT count(*) FILTER (WHERE a BETWEEN 1 AND 2 AND b = 'x') AS c, sum(a) OVER (PARTITION BY (a BETWEEN 1 AND
    2 AND b = 'y') ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS s FROM t GROUP BY a, b HAVING a BETWEEN 1 AND 2 AND b = 'x';
CREATE VIEW q132 AS SELECT a FROM t WHERE a IN (SELECT 1 UNION ALL SELECT NULL) AND b IN (SELECT DISTINCT 'q' FROM t) AND v =
    (SELECT 'x, y' FROM t WHERE b = 'SELECT ''x''::text' LIMIT 1);
CREATE VIEW q133 AS SELECT s.a FROM (SELECT a, b, v FROM t UNION ALL SELECT 1, 'x', NULL UNION ALL (SELECT NULL, 'q', 'r'
    INTERSECT SELECT 2, NULL, 'SELECT NULL::text,')) s;
CREATE VIEW q134 AS SELECT s.* FROM (SELECT ts, d, m, n, c, tags, u, j FROM t UNION ALL SELECT '2020-01-01', NULL, 'ok', NULL,
    'x', '{a,b}', NULL, '{"a": 1}' UNION ALL SELECT NULL, '2020-01-01', NULL, 1.5, NULL, NULL, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', NULL) s;
CREATE VIEW q135 AS SELECT exists(SELECT FROM t) AS e, exists(SELECT 'x', NULL, -1 FROM t) AS f, (SELECT (NULL)) AS g, (SELECT 'x'
    ORDER BY 1) AS h, (SELECT 'x' WHERE true) AS i, (SELECT 'x' GROUP BY 1) AS k;
CREATE VIEW q136 AS WITH "Odd q" AS (SELECT 'x' AS k, NULL AS n UNION ALL SELECT 'y "z"', '::text') SELECT * FROM "Odd q";
--- slip
DROP VIEW q0, q1, q2, q3, q4, q5, q6, q7, q8, q9, q10, q11, q12, q13, q14, q15, q16, q17, q18, q19, q20, q21, q22, q23, q24, q25, q26, q27,
    q28, q29, q30, q31, q32, q33, q34, q35, q36, q37, q38, q39, q40, q41, q42, q43, q44, q45, q46, q47, q48, q49, q50, q51, q52, q53, q54,
    q55, q56, q57, q58, q59, q60, q61, q62, q63, q64, q65, q66, q67, q68, q69, q70, q71, q72, q73, q74, q75, q76, q77, q78, q79, q80, q82,
    q83, q84, q85, q86, q87, q88, q89, q90, q91, q92, q93, q94, q95, q96, q97, q98, q99, q100, q101, q102, q103, q104, q105, q106, q107,
    q108, q109, q110, q111, q112, q113, q114, q115, q116, q117, q118, q119, q120, q121, q123, q124, q125, q126, q127, q128, q129, q130,
    q131, q132, q133, q134, q135, q136;

--- what people write in views about XML
CREATE TABLE t (a int, b text);
CREATE VIEW q81 AS SELECT xmlelement(name foo, xmlattributes(a AS x), b), xmlforest(a, b), xmlparse(content '<a/>'),
    xmlserialize(content xmlconcat('<a/>', '<b/>') AS text) FROM t;
CREATE VIEW q122 AS SELECT x.* FROM xmltable('/a' PASSING '<a><b>1</b></a>' COLUMNS b int PATH 'b' DEFAULT 2, n FOR ORDINALITY) x;
--- slip
DROP VIEW q81, q122;
