-- Content hash: SHA-256 of a canonical encoding that the driver makes too, byte by byte.
--   hash  = sha256('asymm1' || field)          the version first: another encoding is another number
--   field = one letter for the kind, then the value; of several fields each is preceded by its length, -1 for NULL
-- What puts a row together is record_send(), so the loop over columns, and their lengths, cost what they cost in C.

-- Numbers of one value are written in one way: strings are taken whole, so that only zeros of numbers go.
CREATE OR REPLACE FUNCTION asymm._canonical_json(value jsonb, nfc boolean) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    v_text pg_catalog.text := value::pg_catalog.text;
BEGIN
    -- Most JSON has no such zero, and a look without regular expressions tells so of most.
    IF v_text OPERATOR(pg_catalog.~~) '%.%0,%' OR v_text OPERATOR(pg_catalog.~~) '%.%0}%' OR v_text OPERATOR(pg_catalog.~~) '%.%0]%'
       OR v_text OPERATOR(pg_catalog.~~) '%.%0' THEN
        IF v_text OPERATOR(pg_catalog.~) '\.[0-9]*0(?:[],}]|$)' THEN
            v_text := pg_catalog.regexp_replace(
                pg_catalog.regexp_replace(v_text, '("(?:[^"\\]|\\.)*")|\.0+(?![0-9])', '\1', 'g'),
                '("(?:[^"\\]|\\.)*")|(\.[0-9]*[1-9])0+(?![0-9])', '\1\2', 'g');
        END IF;
    END IF;
    IF nfc THEN
        RETURN pg_catalog.normalize(v_text);
    END IF;
    RETURN v_text;
END
$$;
COMMENT ON FUNCTION asymm._canonical_json(jsonb, boolean) IS 'JSON as text, equal for equal values: keys in the order jsonb keeps them, numbers without zeros that say nothing.';

CREATE OR REPLACE FUNCTION asymm._hash_fields(expressions text[]) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN format('pg_catalog.record_send(ROW(%s))', array_to_string(expressions, ', '));
END
$$;
COMMENT ON FUNCTION asymm._hash_fields(text[]) IS 'The expression that puts fields together, each with its length before it.';

-- Built-in functions only, and output functions of types: a cast to text may be somebody's function.
CREATE OR REPLACE FUNCTION asymm._hash_field(type_id oid, value text, nfc boolean) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v record;
    v_text text;
    v_out text;
BEGIN
    SELECT t.oid, t.typname, t.typtype, t.typelem, t.typrelid, t.typbasetype, t.typcategory, t.typnamespace = 'pg_catalog'::regnamespace AS own,
           t.typsubscript = 'array_subscript_handler'::regproc AS is_array,
           format('%I.%I', o.nspname, p.proname) AS output INTO v
      FROM pg_type AS t JOIN pg_proc AS p ON p.oid = t.typoutput JOIN pg_namespace AS o ON o.oid = p.pronamespace
     WHERE t.oid = type_id;
    IF v.typtype = 'd' THEN
        RETURN asymm._hash_field(v.typbasetype, value, nfc);
    ELSIF v.is_array THEN
        RETURN format('CASE WHEN pg_catalog.num_nulls(%1$s) OPERATOR(pg_catalog.=) 0 THEN ''\x61''::pg_catalog.bytea '
                      'OPERATOR(pg_catalog.||) pg_catalog.convert_to(COALESCE(pg_catalog.array_dims(%1$s), ''''), ''UTF8'') '
                      'OPERATOR(pg_catalog.||) pg_catalog.array_send(ARRAY(SELECT %2$s FROM (SELECT pg_catalog.unnest(%1$s) AS value) AS e)) END',
                      value, asymm._hash_field(v.typelem, 'e.value', nfc));
    ELSIF v.typtype = 'c' THEN
        RETURN format('CASE WHEN pg_catalog.num_nulls(%1$s) OPERATOR(pg_catalog.=) 0 '
                      'THEN ''\x72''::pg_catalog.bytea OPERATOR(pg_catalog.||) %2$s END', value,
                      asymm._hash_fields(ARRAY(SELECT asymm._hash_field(a.atttypid, format('(%s).%I', value, a.attname), nfc)
                                                 FROM pg_attribute AS a
                                                WHERE a.attrelid = v.typrelid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum)));
    ELSIF v.typtype = 'r' THEN
        RETURN format('CASE WHEN pg_catalog.num_nulls(%1$s) OPERATOR(pg_catalog.=) 0 '
                      'THEN ''\x67''::pg_catalog.bytea OPERATOR(pg_catalog.||) %2$s END', value,
                      asymm._hash_fields((SELECT ARRAY[
                          format('CASE WHEN pg_catalog.isempty(%1$s) THEN ''empty'' ELSE pg_catalog.convert_to(pg_catalog.concat('
                                 'CASE WHEN pg_catalog.lower_inc(%1$s) THEN ''['' ELSE ''('' END, '
                                 'CASE WHEN pg_catalog.upper_inc(%1$s) THEN '']'' ELSE '')'' END), ''UTF8'') END', value),
                          asymm._hash_field(r.rngsubtype, format('pg_catalog.lower(%s)', value), nfc),
                          asymm._hash_field(r.rngsubtype, format('pg_catalog.upper(%s)', value), nfc)]
                                           FROM pg_range AS r WHERE r.rngtypid = v.oid)));
    ELSIF v.typtype = 'm' THEN
        RETURN format('CASE WHEN pg_catalog.num_nulls(%1$s) OPERATOR(pg_catalog.=) 0 THEN ''\x47''::pg_catalog.bytea OPERATOR(pg_catalog.||) '
                      'pg_catalog.array_send(ARRAY(SELECT %2$s FROM (SELECT pg_catalog.unnest(%1$s) AS value) AS e)) END', value,
                      asymm._hash_field((SELECT r.rngtypid FROM pg_range AS r WHERE r.rngmultitypid = v.oid), 'e.value', nfc));
    END IF;
    v_out := CASE
        WHEN v.typtype = 'e' OR NOT v.own THEN NULL
        WHEN v.typname = 'bool' THEN '62boolsend(%s)'
        WHEN v.typname IN ('int2', 'int4', 'oid') OR v.typname ~ '^reg' THEN '69int8send(%s::pg_catalog.int8)'
        WHEN v.typname = 'int8' THEN '69int8send(%s)'
        WHEN v.typname = 'numeric' THEN '6enumeric_send(pg_catalog.trim_scale(%s))'
        -- There is more than one NaN, and a zero below zero.
        WHEN v.typname IN ('float4', 'float8')
            THEN '66float8send(CASE WHEN %1$s OPERATOR(pg_catalog.=) ''NaN'' THEN ''NaN'' ELSE %1$s OPERATOR(pg_catalog.+) 0::pg_catalog.float8 END)'
        WHEN v.typname = 'bytea' THEN '79byteasend(%s)'
        WHEN v.typname = 'uuid' THEN '75uuid_send(%s)'
        WHEN v.typname = 'date' THEN '64date_send(%s)'
        WHEN v.typname = 'time' THEN '6dtime_send(%s)'
        WHEN v.typname = 'timetz' THEN '7atimetz_send(%s)'
        WHEN v.typname = 'timestamp' THEN '73timestamp_send(%s)'
        WHEN v.typname = 'timestamptz' THEN '77timestamptz_send(%s)'
        WHEN v.typname = 'interval' THEN '76interval_send(%s)'
        -- What these look like as text depends on settings.
        WHEN v.typname IN ('money', 'point', 'line', 'lseg', 'box', 'path', 'polygon', 'circle')
            THEN '6f' || CASE v.typname WHEN 'money' THEN 'cash' WHEN 'polygon' THEN 'poly' ELSE v.typname END || '_send(%s)' END;
    IF v_out IS NOT NULL THEN
        RETURN format('''\x%s''::pg_catalog.bytea OPERATOR(pg_catalog.||) pg_catalog.%s',
                      left(v_out, 2) || CASE WHEN v_out LIKE '6f%' THEN encode(convert_to(v.typname || ':', 'UTF8'), 'hex') ELSE '' END,
                      format(substr(v_out, 3), value));
    ELSIF v.own AND v.typname = 'jsonb' THEN
        RETURN format('''\x6a''::pg_catalog.bytea OPERATOR(pg_catalog.||) pg_catalog.convert_to(asymm._canonical_json(%s, %L), ''UTF8'')',
                      value, nfc);
    END IF;
    v_text := CASE WHEN v.own AND v.typname IN ('text', 'varchar', 'bpchar', 'name') THEN format('%s::pg_catalog.text', value)
                   WHEN v.typtype = 'e' THEN format('pg_catalog.textin(pg_catalog.enum_out(%s))', value)
                   ELSE format('pg_catalog.textin(%s(%s))', v.output, value) END;
    RETURN format('''\x%s''::pg_catalog.bytea OPERATOR(pg_catalog.||) pg_catalog.convert_to(%s, ''UTF8'')',
                  CASE WHEN v.typcategory = 'S' OR v.typtype = 'e' OR v.typname = 'char' THEN '74'
                       ELSE '6f' || encode(convert_to(v.typname || ':', 'UTF8'), 'hex') END,
                  CASE WHEN nfc THEN format('pg_catalog.normalize(%s)', v_text) ELSE v_text END);
END
$$;
COMMENT ON FUNCTION asymm._hash_field(oid, text, boolean) IS 'The expression that encodes a value of a type for content_hash(): a letter for its kind and its bytes, NULL for NULL.';

CREATE OR REPLACE FUNCTION asymm._hash_of(field text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN format('pg_catalog.sha256(''\x6173796d6d31''::pg_catalog.bytea OPERATOR(pg_catalog.||) %s)', field);
END
$$;
COMMENT ON FUNCTION asymm._hash_of(text) IS 'The expression of the hash of an encoded value, with the version of the encoding.';

CREATE OR REPLACE FUNCTION asymm._as_row(value record) RETURNS record
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN value;
END
$$;
COMMENT ON FUNCTION asymm._as_row(record) IS 'A row as it is, for FROM, where its columns can be given types.';

CREATE OR REPLACE FUNCTION asymm._field_types(sent bytea) RETURNS oid[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_types oid[] := '{}';
    v_place integer := 5;
BEGIN
    WHILE v_place < length(sent) LOOP
        v_types := v_types || ('x' || encode(substring(sent, v_place, 4), 'hex'))::bit(32)::bigint::oid;
        v_place := v_place + 8 + GREATEST(('x' || encode(substring(sent, v_place + 4, 4), 'hex'))::bit(32)::integer, 0);
    END LOOP;
    RETURN v_types;
END
$$;
COMMENT ON FUNCTION asymm._field_types(bytea) IS 'The types of a row''s fields, read from what record_send() made of it.';

-- What is sent is put in the encoding of the client, in which it may not fit.
CREATE OR REPLACE FUNCTION asymm._types_of_record(value record) RETURNS oid[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_client constant name := pg_client_encoding();
    v_server constant name := getdatabaseencoding();
    v_types oid[];
BEGIN
    IF v_client <> v_server AND v_client <> 'UTF8' THEN
        PERFORM set_config('client_encoding', v_server, true);
        v_types := asymm._field_types(record_send(value));
        PERFORM set_config('client_encoding', v_client, true);
        RETURN v_types;
    END IF;
    RETURN asymm._field_types(record_send(value));
END
$$;
COMMENT ON FUNCTION asymm._types_of_record(record) IS 'The types of the fields of a row that has no declared type.';

-- The SQL name of char or bit stands for a length of one.
CREATE OR REPLACE FUNCTION asymm._plain_type(type_id oid) RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT format('%I.%I', n.nspname, t.typname) FROM pg_type AS t JOIN pg_namespace AS n ON n.oid = t.typnamespace WHERE t.oid = type_id);
END
$$;
COMMENT ON FUNCTION asymm._plain_type(oid) IS 'The name of a type as the catalog has it, quoted, which stands for any length.';

-- A row of no declared type. Literals in it that have no type yet can only be had as JSON, and their neighbours with them.
CREATE OR REPLACE FUNCTION asymm._hash_record(value record, nfc boolean) RETURNS bytea
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET extra_float_digits = 3 SET bytea_output = 'hex' SET datestyle = 'ISO' SET intervalstyle = 'postgres'
AS $$
DECLARE
    v_types constant oid[] := asymm._types_of_record(value);
    v_open constant boolean := 'unknown'::regtype = ANY (v_types);
    v_odd text;
    v_fields text;
    v_hash bytea;
BEGIN
    SELECT string_agg(DISTINCT format_type(t.oid, NULL), ', ') INTO v_odd FROM pg_type AS t
     WHERE t.oid = ANY (v_types) AND (t.typtype = 'p' AND t.oid <> 'unknown'::regtype
                                      OR v_open AND (t.typtype = 'c' OR t.typsubscript = 'array_subscript_handler'::regproc));
    IF v_odd IS NOT NULL THEN
        RAISE EXCEPTION 'a row of no declared type cannot be hashed with fields of type %', v_odd
            USING ERRCODE = 'feature_not_supported',
                  DETAIL = CASE WHEN v_open THEN 'There are literals without a type beside them.' ELSE 'Rows in it have none either.' END,
                  HINT = CASE WHEN v_open THEN 'Give literals a type: ROW(''ab''::text, …).' ELSE 'Cast what is in it to a type of its own.' END;
    END IF;
    v_fields := asymm._hash_of(format('''\x72''::pg_catalog.bytea OPERATOR(pg_catalog.||) %s', asymm._hash_fields(ARRAY(
        SELECT asymm._hash_field(CASE WHEN t.oid = 'unknown'::regtype THEN 'text'::regtype ELSE t.oid END,
                                 CASE WHEN NOT v_open THEN format('r.f%s', t.place)
                                      WHEN t.oid = 'jsonb'::regtype THEN format('(r.value OPERATOR(pg_catalog.->) ''f%s'')', t.place)
                                      WHEN t.oid = 'unknown'::regtype THEN format('(r.value OPERATOR(pg_catalog.->>) ''f%s'')', t.place)
                                      ELSE format('(r.value OPERATOR(pg_catalog.->>) ''f%s'')::%s', t.place, asymm._plain_type(t.oid)) END, nfc)
          FROM unnest(v_types) WITH ORDINALITY AS t (oid, place) ORDER BY t.place))));
    IF v_open THEN
        EXECUTE format('SELECT %s FROM (SELECT $1 AS value) AS r', v_fields) INTO v_hash USING to_jsonb(value);
    ELSIF v_types = '{}' THEN
        EXECUTE format('SELECT %s', v_fields) INTO v_hash;
    ELSE
        EXECUTE format('SELECT %s FROM asymm._as_row($1) AS r (%s)', v_fields,
                       (SELECT string_agg(format('f%s %s', t.place, asymm._plain_type(t.oid)), ', ' ORDER BY t.place)
                          FROM unnest(v_types) WITH ORDINALITY AS t (oid, place))) INTO v_hash USING value;
    END IF;
    RETURN v_hash;
END
$$;
COMMENT ON FUNCTION asymm._hash_record(record, boolean) IS 'content_hash() of a row that has no declared type, as ROW() makes them.';

CREATE OR REPLACE FUNCTION asymm.content_hash(value anyelement, nfc boolean DEFAULT false) RETURNS bytea
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_hash bytea;
BEGIN
    IF num_nulls(value) = 1 THEN
        RETURN NULL;
    ELSIF pg_typeof(value) = 'record'::regtype THEN
        EXECUTE format('SELECT asymm._hash_record($1, %L)', nfc) INTO v_hash USING value;
        RETURN v_hash;
    END IF;
    EXECUTE format('SELECT %s FROM (SELECT $1 AS value) AS v', asymm._hash_of(asymm._hash_field(pg_typeof(value), 'v.value', nfc)))
       INTO v_hash USING value;
    RETURN v_hash;
END
$$;
COMMENT ON FUNCTION asymm.content_hash(anyelement, boolean)
    IS 'SHA-256 of the canonical encoding of a row or a value, the same as the driver''s content_hash(); nfc: texts by their composed form. For many rows of a table content_hashes() is faster. Raises 0A000.';

CREATE OR REPLACE FUNCTION asymm.content_hash(value jsonb, nfc boolean DEFAULT false) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT pg_catalog.sha256('\x6173796d6d316a'::pg_catalog.bytea
                             OPERATOR(pg_catalog.||) pg_catalog.convert_to(asymm._canonical_json(value, nfc), 'UTF8'))
$$;
COMMENT ON FUNCTION asymm.content_hash(jsonb, boolean)
    IS 'SHA-256 of the canonical encoding of JSON: the order of keys and zeros behind the point of a number do not matter; the same as the driver''s.';
