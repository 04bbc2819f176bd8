-- What an imported document would have printed into statements as it stands: names, types and words have a form that is
-- checked here; definitions are read by the server's own parser, which runs and plans nothing.

-- A cursor is not opened for a command that returns no rows: the server parses it, then says what it is. So the statement
-- must begin with the word of such a command, which is for the caller to see to.
CREATE OR REPLACE FUNCTION asymm._is_one_command(statement text, command text) RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on
AS $$
DECLARE
    v_cursor refcursor;
BEGIN
    IF statement !~ '^(CREATE|ALTER|DROP) ' OR statement IS NULL THEN
        RETURN false;
    END IF;
    OPEN v_cursor FOR EXECUTE (SELECT statement);
    CLOSE v_cursor;
    RETURN false;
EXCEPTION
    WHEN invalid_cursor_definition THEN
        -- In any language the message has the command's tag in it, and of several commands it names none.
        RETURN strpos(SQLERRM, command) > 0;
    WHEN syntax_error_or_access_rule_violation OR data_exception OR program_limit_exceeded OR feature_not_supported
         OR invalid_schema_name OR object_not_in_prerequisite_state THEN
        RETURN false;
END
$$;
COMMENT ON FUNCTION asymm._is_one_command(text, text)
    IS 'Whether a text is one CREATE, ALTER or DROP command with this tag, by the server''s parser; nothing is run.';

-- Two places in the grammar where only an expression can go on as well in the one as in the other.
CREATE OR REPLACE FUNCTION asymm._is_expression(value text) RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN value ~ '^(-?[0-9]+(\.[0-9]+)?|''[^''\\]*''(::[a-z_]+( [a-z]+)?)?|true|false|now\(\)|CURRENT_TIMESTAMP|CURRENT_DATE|NULL::[a-z_]+)$'
        OR asymm._is_one_command(format('CREATE TABLE t (c int DEFAULT (%s))', value), 'CREATE TABLE')
       AND asymm._is_one_command(format('CREATE POLICY p ON t USING (%s)', value), 'CREATE POLICY');
END
$$;
COMMENT ON FUNCTION asymm._is_expression(text) IS 'Whether a text is an expression and nothing else.';

-- As quote_ident() writes names.
CREATE OR REPLACE FUNCTION asymm._name_pattern() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT '(?:"(?:[^"]|"")+"|[a-z_][a-z0-9_]*)' $$;
COMMENT ON FUNCTION asymm._name_pattern() IS 'Regular expression of a name as SQL is written by the server.';

-- As format_type() writes types; the server's own of several words are told, so that no clause passes for one.
CREATE OR REPLACE FUNCTION asymm._type_pattern() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT concat('(?:(?:', asymm._name_pattern(), '\.)?', asymm._name_pattern(),
                  '|double precision|character varying|bit varying'
                  '|interval (?:year|month|day|hour|minute|second)(?: to (?:month|hour|minute|second))?)',
                  '(?:\((?:-?[[:alnum:]_. ]+(?:, ?)?)+\))?(?: with(?:out)? time zone)?(?:\[\])*')
$$;
COMMENT ON FUNCTION asymm._type_pattern() IS 'Regular expression of a type as SQL is written by the server.';

CREATE OR REPLACE FUNCTION asymm._is_type_text(value text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT value ~ concat('^', asymm._type_pattern(), '$')
$$;
COMMENT ON FUNCTION asymm._is_type_text(text) IS 'Whether a text is the name of a type and nothing else.';

-- Names of anything, with argument types where they belong to it, numbers, and words.
CREATE OR REPLACE FUNCTION asymm._is_name_text(value text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT asymm._is_type_text(value)
        OR value ~ '^-?[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?$'
        OR value ~ concat('^(?:', n, '\.){0,2}', n, '$')
        -- A routine, or the slot of a member of an operator class.
        OR value ~ concat('^(?:(?:', n, '\.)?', n, '|[0-9]+ )\((?:', t, '(?:, ?', t, ')*)?\)$')
        OR value ~ concat('^(?:', n, '\.)?[-+*/<>=~!@#%^&|`?]+(?:\((?:', t, '|NONE|-), ?(?:', t, '|NONE|-)\))?$') AND value !~ '--|/\*'
        OR value ~ '^[[:alnum:]_-]+$' AND strpos(value, '--') = 0
        OR value IN ('by default', 'large objects', '')
      FROM (SELECT asymm._name_pattern(), asymm._type_pattern()) AS p (n, t)
$$;
COMMENT ON FUNCTION asymm._is_name_text(text) IS 'Whether a text is a name, a type, a routine or operator with its types, a number or a word, and nothing else.';

-- Where a statement is kept in full, it must be of its own object.
CREATE OR REPLACE FUNCTION asymm._is_definition(kind text, identity text, part text, name text, value text) RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN CASE
        WHEN part IN ('view', 'materialized view') THEN
            asymm._is_one_command('CREATE VIEW v AS ' || value, 'CREATE VIEW')
        WHEN part IN ('function', 'procedure') THEN
            starts_with(value, concat('CREATE OR REPLACE ', upper(part), ' ', substring(identity FROM '^.*?\(')))
            AND asymm._is_one_command(value, 'CREATE ' || upper(part))
        WHEN part = 'statistics object' THEN
            starts_with(value, format('CREATE STATISTICS %s ', identity)) AND asymm._is_one_command(value, 'CREATE STATISTICS')
        WHEN part = 'constraint' AND kind = 'domain' THEN
            asymm._is_one_command(format('ALTER DOMAIN d ADD CONSTRAINT c %s', value), 'ALTER DOMAIN')
        WHEN part = 'constraint' THEN
            -- The one takes a list of commands, the other a list of columns: nothing goes on in both.
            asymm._is_one_command(format('ALTER TABLE t ADD CONSTRAINT c %s', value), 'ALTER TABLE')
            AND asymm._is_one_command(format('CREATE TABLE t OF o (CONSTRAINT c %s)', value), 'CREATE TABLE')
        WHEN part = 'index' THEN
            substr(value, CASE WHEN starts_with(value, 'CREATE UNIQUE ') THEN 15 ELSE 8 END)
                ^@ ANY (ARRAY[format('INDEX %I ON %s USING ', name, identity), format('INDEX %I ON ONLY %s USING ', name, identity)])
            AND asymm._is_one_command(value, 'CREATE INDEX')
        WHEN part = 'trigger' THEN
            value ~ concat('^CREATE (CONSTRAINT )?TRIGGER ', asymm._pattern_of(quote_ident(name)),
                           ' (BEFORE|AFTER|INSTEAD OF) (?:(?:INSERT|DELETE|TRUNCATE|UPDATE(?: OF ',
                           asymm._name_pattern(), '(?:, ', asymm._name_pattern(), ')*)?)(?: OR )?)+ ON ', asymm._pattern_of(identity), ' ')
            AND asymm._is_one_command(value, 'CREATE TRIGGER')
        WHEN part = 'rule' THEN
            value ~ concat('^CREATE RULE ', asymm._pattern_of(quote_ident(name)), ' AS\s+ON (SELECT|INSERT|UPDATE|DELETE) TO ',
                           asymm._pattern_of(identity), '\s')
            AND asymm._is_one_command(value, 'CREATE RULE')
        ELSE false END;
END
$$;
COMMENT ON FUNCTION asymm._is_definition(text, text, text, text, text)
    IS 'Whether a definition is one of its part of its object: one statement, or the clause that belongs there.';

CREATE OR REPLACE FUNCTION asymm._pattern_of(value text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT regexp_replace(value, '([^[:alnum:]_ ])', '\\\1', 'g') $$;
COMMENT ON FUNCTION asymm._pattern_of(text) IS 'Regular expression that matches this text alone.';

-- How an attribute is printed. What is not told here is printed as it stands, so it has to be a name or a word.
CREATE OR REPLACE FUNCTION asymm._fact_form(kind text, part text, attribute text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE
        WHEN attribute IN ('comment', 'index_comment', 'owner', 'acl', 'options', 'option_order', 'toast_options', 'foreign_options', 'labels',
                           'attributes', 'columns', 'roles', 'tablespace', 'index_tablespace', 'access_method', 'cluster', 'replica_identity',
                           'depends', 'tags')
             AND NOT (kind = 'text search dictionary' AND attribute = 'options') THEN 'quoted'
        WHEN attribute = 'def' THEN 'definition'
        WHEN attribute IN ('generated', 'using', 'check', 'where') OR attribute = 'default' AND part IN ('column', 'domain') THEN 'expression'
        WHEN attribute = 'bound' THEN 'bound'
        WHEN attribute = 'partition_key' THEN 'partition key'
        WHEN attribute = 'arguments' AND kind = 'aggregate' THEN 'arguments'
        WHEN attribute = 'options' THEN 'list'
        WHEN (part, attribute) IN (
                 ('type', 'default'), ('type', 'delimiter'), ('type', 'category'), ('aggregate', 'initcond'), ('aggregate', 'minitcond'),
                 ('collation', 'locale'), ('collation', 'lc_collate'), ('collation', 'lc_ctype'), ('collation', 'rules'), ('conversion', 'from'),
                 ('conversion', 'to'), ('function', 'arguments'), ('procedure', 'arguments'), ('function', 'returns'), ('procedure', 'returns'),
                 ('aggregate', 'returns'), ('extension', 'schema'), ('extension', 'version'), ('server', 'wrapper'), ('server', 'type'),
                 ('server', 'version'), ('foreign table', 'server'), ('user mapping', 'role'), ('user mapping', 'server'), ('default acl', 'role'),
                 ('default acl', 'schema'), ('publication', 'publish'), ('partition index', 'auto'), ('partition index', 'name'),
                 ('column', 'not_null_as'), ('domain', 'not_null_name'), ('constraint', 'type')) OR kind = 'subscription' THEN 'quoted'
        ELSE 'name' END
$$;
COMMENT ON FUNCTION asymm._fact_form(text, text, text)
    IS 'How an attribute comes into statements: quoted, or as it stands and then as a name, an expression, a definition or another clause.';

CREATE OR REPLACE FUNCTION asymm._has_form(form text, kind text, identity text, part text, name text, value text) RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN CASE form
        WHEN 'quoted' THEN true
        WHEN 'name' THEN octet_length(value) < 20000 AND asymm._is_name_text(value)
        WHEN 'expression' THEN asymm._is_expression(value)
        WHEN 'definition' THEN asymm._is_definition(kind, identity, part, name, value)
        WHEN 'bound' THEN asymm._is_one_command(format('ALTER TABLE t ATTACH PARTITION p %s', value), 'ALTER TABLE')
        WHEN 'partition key' THEN asymm._is_one_command(format('CREATE TABLE t (c int) PARTITION BY %s USING heap', value), 'CREATE TABLE')
        WHEN 'arguments' THEN asymm._is_one_command(format('DROP AGGREGATE a (%s)', value), 'DROP AGGREGATE')
        WHEN 'list' THEN asymm._is_one_command(format('CREATE TEXT SEARCH DICTIONARY d (template = t, %s)', value), 'CREATE TEXT SEARCH DICTIONARY')
        ELSE false END
       -- Text is written another way before it is run, which must not make another thing of it.
       AND (form NOT IN ('expression', 'definition') OR asymm._replayed(part, value) = value
            OR asymm._has_form(form, kind, identity, part, name, asymm._replayed(part, value)));
END
$$;
COMMENT ON FUNCTION asymm._has_form(text, text, text, text, text, text) IS 'Whether the value of an attribute has the form it needs.';

CREATE OR REPLACE FUNCTION asymm._replayed(part text, value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN part = 'statistics object' THEN asymm._replayable_statistics(value)
                WHEN part IN ('function', 'procedure') AND value ~ '\$(function|procedure)x*\$\Z' THEN value
                ELSE asymm._replayable(value) END
$$;
COMMENT ON FUNCTION asymm._replayed(text, text) IS 'A definition as a plan prints it.';
