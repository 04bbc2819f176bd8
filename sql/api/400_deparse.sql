-- Deparsed text is not a fixed point: what the server prints of varchar_column IN ('a', 'b'),
--     (ARRAY['a'::character varying, 'b'::character varying])::text[]
-- it prints otherwise once that text was replayed by a repair or a restore:
--     ARRAY[('a'::character varying)::text, ('b'::character varying)::text]
-- Facts hold the second form, so that neither looks like a change.

CREATE OR REPLACE FUNCTION asymm._settled_text(expression text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_open constant text := '(ARRAY[';
    v_rest text := expression;
    v_done text := '';
    v_items text[];
    v_item text;
    v_char text;
    v_depth integer;
    v_quote text;
    v_length integer;
    v_cast text;
BEGIN
    WHILE strpos(v_rest, v_open) > 0 LOOP
        v_done := v_done || left(v_rest, strpos(v_rest, v_open) - 1);
        v_rest := substr(v_rest, strpos(v_rest, v_open) + length(v_open));
        -- In a literal it is no array.
        IF regexp_replace(v_done, '''[^'']*''|"[^"]*"', '', 'g') ~ '[''"]' THEN
            v_done := v_done || v_open;
            CONTINUE;
        END IF;
        v_items := '{}';
        v_item := '';
        v_depth := 0;
        v_length := 0;
        v_quote := NULL;
        FOREACH v_char IN ARRAY string_to_array(v_rest, NULL) LOOP
            IF v_quote IS NOT NULL THEN
                v_quote := NULLIF(v_quote, v_char);
            ELSIF v_char IN ('''', '"') THEN
                v_quote := v_char;
            ELSIF v_char IN ('(', '[') THEN
                v_depth := v_depth + 1;
            ELSIF v_char IN (')', ']') THEN
                v_depth := v_depth - 1;
                EXIT WHEN v_depth < 0;
            ELSIF v_char = ',' AND v_depth = 0 THEN
                v_items := v_items || btrim(v_item);
                v_item := '';
                v_length := v_length + 1;
                CONTINUE;
            END IF;
            v_item := v_item || v_char;
            v_length := v_length + 1;
        END LOOP;
        -- Only an array that is cast as a whole.
        v_cast := substring(substr(v_rest, v_length + 1) FROM '^\]\)::([^][(),'']+)\[\]');
        IF v_cast IS NULL THEN
            v_done := v_done || v_open;
        ELSE
            v_rest := substr(v_rest, v_length + length('])::' || v_cast || '[]') + 1);
            v_done := v_done || 'ARRAY[' || (SELECT string_agg(format('(%s)::%s', asymm._settled_text(i), v_cast), ', ' ORDER BY n)
                                               FROM unnest(v_items || btrim(v_item)) WITH ORDINALITY AS u (i, n)) || ']';
        END IF;
    END LOOP;
    RETURN v_done || v_rest;
END
$$;
COMMENT ON FUNCTION asymm._settled_text(text) IS 'A deparsed expression in the form it has after it was replayed once: casts of whole arrays moved to their elements.';

-- For what _settled_text() does not know: two texts that differ in nothing but casts, parentheses and blanks.
CREATE OR REPLACE FUNCTION asymm._same_but_casts(a text, b text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT COALESCE(regexp_replace(a, x.noise, '', 'g') = regexp_replace(b, x.noise, '', 'g'), false)
      FROM (VALUES ('::("[^"]+"|[a-z_0-9]+)(\.("[^"]+"|[a-z_0-9]+))?'
                    '( varying| precision| with(out)? time zone)?(\([0-9, ]+\))?(\[\])*|[()\s]')) AS x (noise)
$$;
COMMENT ON FUNCTION asymm._same_but_casts(text, text) IS 'True when two deparsed texts differ in casts, parentheses and blanks only.';
