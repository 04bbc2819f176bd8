-- Steps for publications, subscriptions and event triggers. What these are made of comes last in a plan, so their comments
-- and owners do too.

CREATE OR REPLACE FUNCTION asymm._plan_late_common(
    command text, identity text, of_phase integer, of_part text, declared jsonb, actual jsonb)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT of_phase, c.phase, c.part, c.name, c.forward, c.inverse, c.lock_class, c.hazards, c.precondition
      FROM asymm._plan_common(command, identity, NULL, of_part, '', declared, actual) AS c
$$;
COMMENT ON FUNCTION asymm._plan_late_common(text, text, integer, text, jsonb, jsonb) IS 'Steps for comment and owner in the phase of what they belong to.';

CREATE OR REPLACE FUNCTION asymm._publication_options(facts jsonb, present jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    -- Only what differs from present, which for a new one are the defaults.
    SELECT NULLIF(concat_ws(', ',
        CASE WHEN facts -> 'publish' IS DISTINCT FROM present -> 'publish'
             THEN format('publish = %L', COALESCE(facts ->> 'publish', 'insert, update, delete, truncate')) END,
        CASE WHEN facts -> 'via_root' IS DISTINCT FROM present -> 'via_root'
             THEN 'publish_via_partition_root = ' || CASE WHEN facts ? 'via_root' THEN 'true' ELSE 'false' END END,
        CASE WHEN facts -> 'generated_columns' IS DISTINCT FROM present -> 'generated_columns'
             THEN format('publish_generated_columns = %I', COALESCE(facts ->> 'generated_columns', 'none')) END), '')
$$;
COMMENT ON FUNCTION asymm._publication_options(jsonb, jsonb) IS 'Options of a publication as SET (…) and WITH (…) have them.';

CREATE OR REPLACE FUNCTION asymm._publication_member(part text, name text, facts jsonb, giving boolean) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN part = 'publication namespace' THEN 'TABLES IN SCHEMA ' || quote_ident(name)
                WHEN giving THEN concat('TABLE ONLY ', name,
                    (SELECT format(' (%s)', string_agg(quote_ident(c.name), ', ' ORDER BY c.ord))
                       FROM jsonb_array_elements_text(facts -> 'columns') WITH ORDINALITY AS c (name, ord) HAVING count(*) > 0),
                    ' WHERE (' || asymm._replayable(facts ->> 'where') || ')')
                ELSE 'TABLE ONLY ' || name END
$$;
COMMENT ON FUNCTION asymm._publication_member(text, text, jsonb, boolean) IS 'A table or schema as ALTER PUBLICATION … ADD and DROP name it.';

CREATE OR REPLACE FUNCTION asymm._plan_publication(object_name text, declared jsonb, actual jsonb)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH o AS (
        SELECT declared #> '{publication,""}' AS d, actual #> '{publication,""}' AS a, quote_ident(object_name) AS name,
               'ALTER PUBLICATION ' || quote_ident(object_name) AS head),
    p AS (
        SELECT COALESCE(d.part, a.part) AS part, COALESCE(d.name, a.name) AS name, d.facts AS d, a.facts AS a
          FROM (SELECT x.part, m.key AS name, m.value AS facts
                  FROM (VALUES ('publication relation'), ('publication namespace')) AS x (part), jsonb_each(declared -> x.part) AS m) AS d
          FULL JOIN (SELECT x.part, m.key AS name, m.value AS facts
                       FROM (VALUES ('publication relation'), ('publication namespace')) AS x (part), jsonb_each(actual -> x.part) AS m) AS a
            ON a.part = d.part AND a.name = d.name
         WHERE d.facts IS DISTINCT FROM a.facts)
    SELECT 860, 0, 'publication', '',
           concat('CREATE PUBLICATION ', o.name, CASE WHEN o.d ? 'all_tables' THEN ' FOR ALL TABLES' END,
                  ' WITH (' || asymm._publication_options(o.d, NULL) || ')'),
           format('DROP PUBLICATION %s', o.name), 'none', '{}'::text[], NULL::text
      FROM o WHERE o.a IS NULL
    UNION ALL
    SELECT 860, 2, 'publication', '', format('%s SET (%s)', o.head, asymm._publication_options(o.d, o.a)),
           format('%s SET (%s)', o.head, asymm._publication_options(o.a, o.d)), 'none', '{}', NULL
      FROM o WHERE o.a IS NOT NULL AND asymm._publication_options(o.d, o.a) IS NOT NULL
    UNION ALL
    -- Before tables and columns go.
    SELECT 9, 0, p.part, p.name, format('%s DROP %s', o.head, asymm._publication_member(p.part, p.name, NULL, false)),
           format('%s ADD %s', o.head, asymm._publication_member(p.part, p.name, p.a, true)), 'SHARE UPDATE EXCLUSIVE', '{}', NULL
      FROM o CROSS JOIN p WHERE p.a IS NOT NULL
    UNION ALL
    SELECT 860, 3, p.part, p.name, format('%s ADD %s', o.head, asymm._publication_member(p.part, p.name, p.d, true)),
           format('%s DROP %s', o.head, asymm._publication_member(p.part, p.name, NULL, false)), 'SHARE UPDATE EXCLUSIVE', '{}', NULL
      FROM o CROSS JOIN p WHERE p.d IS NOT NULL
    UNION ALL
    SELECT c.* FROM o CROSS JOIN LATERAL asymm._plan_late_common('PUBLICATION', o.name, 860, 'publication', o.d, o.a) AS c
$$;
COMMENT ON FUNCTION asymm._plan_publication(text, jsonb, jsonb) IS 'Steps that make or mend a publication.';

CREATE OR REPLACE FUNCTION asymm._subscription_options(wanted jsonb, present jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT string_agg(format('%I = %s', o.name, CASE WHEN o.name = 'slot_name' AND NOT wanted ? o.name THEN 'NONE'
                                                     ELSE quote_literal(COALESCE(CASE wanted ->> o.name WHEN 't' THEN 'on' WHEN 'p' THEN 'parallel'
                                                                                      ELSE wanted ->> o.name END, o.absent)) END),
                      ', ' ORDER BY o.name COLLATE "C")
      FROM (VALUES ('slot_name', ''), ('synchronous_commit', 'off'), ('binary', 'false'), ('streaming', 'off'), ('disable_on_error', 'false'),
                   ('origin', 'any'), ('password_required', 'true'), ('run_as_owner', 'false')) AS o (name, absent)
     WHERE wanted -> o.name IS DISTINCT FROM present -> o.name
$$;
COMMENT ON FUNCTION asymm._subscription_options(jsonb, jsonb) IS 'Options of a subscription that differ, as SET (…) has them; NULL when none does.';

-- A subscription can't be made without its connection, which is not kept, nor dropped without its slot at the publisher.
CREATE OR REPLACE FUNCTION asymm._plan_subscription(object_name text, declared jsonb, actual jsonb)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH o AS (
        SELECT x.d, x.a, format('ALTER SUBSCRIPTION %I', object_name) AS head, x.d IS NOT NULL AND x.a IS NOT NULL AS both,
               x.a ? 'slot_name' AS slot
          FROM (SELECT declared #> '{subscription,""}' AS d, actual #> '{subscription,""}' AS a) AS x)
    SELECT 0, 0, 'subscription', '', NULL::text, NULL::text, 'none',
           ARRAY[CASE WHEN o.d IS NULL THEN 'not healable: a subscription is dropped together with its slot at the publisher'
                      WHEN o.a IS NULL THEN 'not healable: the connection of a subscription is not kept'
                      ELSE 'not healable: its slot at the publisher would have to change too' END], NULL::text
      FROM o
     WHERE o.a IS NULL OR o.d IS NULL AND o.slot
        OR o.d ? 'slot_name' AND o.slot AND (o.d -> 'two_phase', o.d -> 'failover') IS DISTINCT FROM (o.a -> 'two_phase', o.a -> 'failover')
    UNION ALL
    SELECT 10, 0, 'subscription', '', format('DROP SUBSCRIPTION %I', object_name), NULL, 'none', '{}', NULL
      FROM o WHERE o.d IS NULL AND NOT o.slot
    UNION ALL
    -- A slot can't change hands while it is in use.
    SELECT x.phase, x.ord, 'subscription', '', concat(o.head, x.forward), concat(o.head, x.inverse), 'none', '{}', NULL
      FROM o
     CROSS JOIN LATERAL (VALUES
          (859, 0, CASE WHEN (o.a -> 'enabled')::boolean AND NOT (o.d -> 'enabled')::boolean THEN ' DISABLE' END, ' ENABLE'),
          (860, 0, ' SET (' || asymm._subscription_options(o.d, o.a) || ')', ' SET (' || asymm._subscription_options(o.a, o.d) || ')'),
          (860, 1, CASE WHEN o.d -> 'publications' <> o.a -> 'publications'
                        THEN format(' SET PUBLICATION %s WITH (refresh = false)', asymm._name_list(o.d -> 'publications')) END,
           format(' SET PUBLICATION %s WITH (refresh = false)', asymm._name_list(o.a -> 'publications'))),
          (861, 0, CASE WHEN (o.d -> 'enabled')::boolean AND NOT (o.a -> 'enabled')::boolean THEN ' ENABLE' END, ' DISABLE')
          ) AS x (phase, ord, forward, inverse)
     WHERE o.both AND x.forward IS NOT NULL
    UNION ALL
    SELECT c.* FROM o CROSS JOIN LATERAL asymm._plan_late_common('SUBSCRIPTION', quote_ident(object_name), 860, 'subscription', o.d, o.a) AS c
     WHERE o.both
$$;
COMMENT ON FUNCTION asymm._plan_subscription(text, jsonb, jsonb) IS 'Steps that mend or drop a subscription, and what cannot be mended.';

CREATE OR REPLACE FUNCTION asymm._name_list(names jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT string_agg(quote_ident(n.name), ', ' ORDER BY n.ord) FROM jsonb_array_elements_text(names) WITH ORDINALITY AS n (name, ord) $$;
COMMENT ON FUNCTION asymm._name_list(jsonb) IS 'Names of a JSON array as SQL has them.';

CREATE OR REPLACE FUNCTION asymm._event_trigger_state(facts jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE facts ->> 'enabled' WHEN 'disabled' THEN 'DISABLE' WHEN 'replica' THEN 'ENABLE REPLICA' WHEN 'always' THEN 'ENABLE ALWAYS'
                                    ELSE 'ENABLE' END
$$;
COMMENT ON FUNCTION asymm._event_trigger_state(jsonb) IS 'ENABLE or DISABLE as a fact says.';

CREATE OR REPLACE FUNCTION asymm._plan_event_trigger(object_name text, declared jsonb, actual jsonb)
RETURNS TABLE (phase integer, ord integer, part text, name text, forward text, inverse text, lock_class text, hazards text[], precondition text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH o AS (
        SELECT declared #> '{event trigger,""}' AS d, actual #> '{event trigger,""}' AS a, quote_ident(object_name) AS name)
    SELECT 870, 0, 'event trigger', '',
           concat('CREATE EVENT TRIGGER ', o.name, ' ON ', o.d ->> 'event',
                  (SELECT format(' WHEN TAG IN (%s)', string_agg(quote_literal(t.tag), ', ' ORDER BY t.ord))
                     FROM jsonb_array_elements_text(o.d -> 'tags') WITH ORDINALITY AS t (tag, ord) HAVING count(*) > 0),
                  format(' EXECUTE FUNCTION %s()', o.d ->> 'function')),
           format('DROP EVENT TRIGGER %s', o.name), 'none', '{}'::text[], NULL::text
      FROM o WHERE o.a IS NULL
    UNION ALL
    -- One that must not run is stopped before anything is done, others are started last.
    SELECT CASE WHEN o.a IS NOT NULL AND o.d ->> 'enabled' = 'disabled' THEN 9 ELSE 870 END, 1, 'event trigger', '',
           format('ALTER EVENT TRIGGER %s %s', o.name, asymm._event_trigger_state(o.d)),
           format('ALTER EVENT TRIGGER %s %s', o.name, asymm._event_trigger_state(o.a)), 'none', '{}', NULL
      FROM o WHERE o.d -> 'enabled' IS DISTINCT FROM o.a -> 'enabled'
    UNION ALL
    SELECT c.* FROM o CROSS JOIN LATERAL asymm._plan_late_common('EVENT TRIGGER', o.name, 870, 'event trigger', o.d, o.a) AS c
$$;
COMMENT ON FUNCTION asymm._plan_event_trigger(text, jsonb, jsonb) IS 'Steps that make or mend an event trigger.';
