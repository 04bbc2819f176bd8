"""Rules every member of the extension keeps, asked of the catalogs: after install, upgrade and restore."""

from __future__ import annotations

from typing import Any

from support.database import Database

# Each query returns what breaks a rule: none is right.
RULES = {
    "member of schema asymm that the extension does not own": """
        SELECT x.what FROM (
            SELECT 'pg_proc'::regclass::oid, oid, oid::regprocedure::text FROM pg_proc
             WHERE pronamespace = 'asymm'::regnamespace
            UNION ALL
            SELECT 'pg_class'::regclass, oid, oid::regclass::text FROM pg_class
             WHERE relnamespace = 'asymm'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f')
            UNION ALL
            SELECT 'pg_type'::regclass, oid, oid::regtype::text FROM pg_type
             WHERE typnamespace = 'asymm'::regnamespace AND typtype <> 'c' AND typelem = 0) AS x (class,
                 oid, what)
         WHERE NOT EXISTS (SELECT FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
                            WHERE d.classid = x.class AND d.objid = x.oid AND d.deptype = 'e'
                              AND d.refclassid = 'pg_extension'::regclass AND e.extname = 'asymmetrica')""",
    "member of the extension outside of its schema": """
        SELECT pg_describe_object(d.classid, d.objid, 0)
          FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'asymmetrica'
         WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
           AND d.classid NOT IN ('pg_event_trigger'::regclass, 'pg_cast'::regclass)
           AND pg_describe_object(d.classid, d.objid, 0) !~
               '^(schema|(type|column .* of )?.*)\\m_?asymm\\M'""",
    "not owned by asymm_owner": """
        SELECT oid::regprocedure::text FROM pg_proc
         WHERE pronamespace = 'asymm'::regnamespace AND proowner <> CASE WHEN proname ~ 'audit'
               AND proname NOT IN ('audit', 'seal_audit', 'verify_audit', '_tend_audit', '_doctor_audit')
               THEN 'asymm_auditor'::regrole ELSE 'asymm_owner'::regrole END
        UNION ALL
        SELECT oid::regclass::text FROM pg_class
         WHERE relnamespace = 'asymm'::regnamespace
           AND relowner <> CASE WHEN relname ~ '^audit_' THEN 'asymm_auditor'::regrole
               ELSE 'asymm_owner'::regrole END
           -- Reads what only a superuser may, and shows nothing of it that is secret.
           AND relname <> '_user_mapping'
        UNION ALL
        SELECT oid::regtype::text FROM pg_type
         WHERE typnamespace = 'asymm'::regnamespace AND typowner <> 'asymm_owner'::regrole
           AND typname !~ '^_?audit_'
           AND typname NOT IN ('_user_mapping', '__user_mapping')
        UNION ALL
        SELECT oid::regoperator::text FROM pg_operator
         WHERE oprnamespace = 'asymm'::regnamespace AND oprowner <> 'asymm_owner'::regrole""",
    "security definer function of a superuser": """
        SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner
          JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
          JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'asymmetrica'
         WHERE p.prosecdef AND r.rolsuper""",
    "no comment": """
        SELECT oid::regprocedure::text FROM pg_proc
         WHERE pronamespace = 'asymm'::regnamespace AND obj_description(oid, 'pg_proc') IS NULL
        UNION ALL
        SELECT oid::regclass::text FROM pg_class
         WHERE relnamespace = 'asymm'::regnamespace AND relkind IN ('r', 'p', 'v', 'm')
           AND obj_description(oid, 'pg_class') IS NULL
        UNION ALL
        SELECT t.oid::regtype::text FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
         WHERE t.typnamespace = 'asymm'::regnamespace AND t.typelem = 0 AND COALESCE(c.relkind, 'c') = 'c'
           AND obj_description(t.oid, 'pg_type') IS NULL
        UNION ALL
        SELECT 'setting.' || attname FROM pg_attribute
         WHERE attrelid = 'asymm.setting'::regclass AND attnum > 0 AND NOT attisdropped
           AND col_description(attrelid, attnum) IS NULL""",
    "PUBLIC may use it": """
        SELECT oid::regprocedure::text FROM pg_proc
         WHERE pronamespace = 'asymm'::regnamespace
           AND EXISTS (SELECT FROM aclexplode(COALESCE(proacl, acldefault('f', proowner))) WHERE grantee = 0)
        UNION ALL
        SELECT c.oid::regclass::text FROM pg_class c
         WHERE c.relnamespace = 'asymm'::regnamespace AND EXISTS (SELECT FROM aclexplode(c.relacl) WHERE
             grantee = 0)
        UNION ALL
        SELECT nspname FROM pg_namespace
         WHERE nspname = 'asymm' AND EXISTS (SELECT FROM aclexplode(nspacl) WHERE grantee = 0)
        UNION ALL
        SELECT oid::regtype::text FROM pg_type
         WHERE oid IN ('asymm.annotation'::regtype, 'asymm.cost'::regtype, 'asymm.context'::regtype,
             'asymm.witness'::regtype)
           AND EXISTS (SELECT FROM aclexplode(COALESCE(typacl, acldefault('T', typowner))) WHERE grantee =
               0)""",
    "a role may use it that is none of ours": """
        SELECT x.oid::regprocedure || ' ' || a.grantee::regrole FROM pg_proc x, aclexplode(x.proacl) a
         WHERE x.pronamespace = 'asymm'::regnamespace
           AND a.grantee::regrole::text
               !~ '^asymm_(owner|auditor|reader|operator|pulse|streamer|sender|writer)$'
        UNION ALL
        SELECT x.oid::regclass || ' ' || a.grantee::regrole FROM pg_class x, aclexplode(x.relacl) a
         WHERE x.relnamespace = 'asymm'::regnamespace AND a.grantee <> x.relowner
           AND a.grantee NOT IN ('asymm_owner'::regrole, 'asymm_reader'::regrole,
               'asymm_operator'::regrole)
           AND NOT (x.relname IN ('data_entity', 'data_entity_history')
                    AND a.grantee IN ('asymm_writer'::regrole, 'asymm_streamer'::regrole))""",
    "reader or operator may write it or read a table": """
        SELECT c.oid::regclass || ' ' || a.privilege_type FROM pg_class c, aclexplode(c.relacl) a
         WHERE c.relnamespace = 'asymm'::regnamespace AND a.grantee <> c.relowner
           AND (a.privilege_type <> 'SELECT' OR c.relkind <> 'v' AND c.relname <> 'organ'
                AND (a.grantee IN ('asymm_reader'::regrole, 'asymm_operator'::regrole)
                     OR c.relname NOT IN ('data_entity', 'data_entity_history')))""",
    "not ENABLE ALWAYS": """
        SELECT evtname FROM pg_event_trigger WHERE evtname LIKE 'asymm%' AND evtenabled <> 'A'""",
    "calls what is less stable or less parallel than it says": r"""
        WITH called AS MATERIALIZED (
            SELECT DISTINCT p.oid, m[1] AS name FROM pg_proc p,
                   regexp_matches(regexp_replace(p.prosrc,
                       $$--[^\n]*|'([^']|'')*'$$, '', 'g'), 'asymm\.(\w+)\(', 'g') AS m
             WHERE p.pronamespace = 'asymm'::regnamespace)
        SELECT p.oid::regprocedure || ' calls ' || q.oid::regprocedure
          FROM called c JOIN pg_proc p ON p.oid = c.oid
          JOIN pg_proc q ON q.pronamespace = p.pronamespace AND q.proname = c.name AND q.oid <> p.oid
         WHERE strpos('isv', q.provolatile) > strpos('isv', p.provolatile)
            OR strpos('sru', q.proparallel) > strpos('sru', p.proparallel)""",
}


def problems(db: Database) -> list[str]:
    """Return every broken rule with its object."""
    return [f"{rule}: {row[0]}" for rule, query in RULES.items() for row in db.sql(query)]


def members(db: Database) -> list[tuple[Any, ...]]:
    """Return all that two installations could differ in, but for OIDs: definitions, owners, rights."""
    return db.sql("""
        SELECT * FROM (
            SELECT 'function', p.oid::regprocedure::text,
                   CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid)
                        ELSE (SELECT concat_ws(' ', aggtransfn, aggfinalfn, aggtranstype::regtype, agginitval)
                                FROM pg_aggregate WHERE aggfnoid = p.oid) END,
                p.proowner::regrole::text,
                   (SELECT string_agg(a, ' ' ORDER BY a) FROM unnest(p.proacl::text[]) AS a),
                       obj_description(p.oid, 'pg_proc')
              FROM pg_proc p WHERE p.pronamespace = 'asymm'::regnamespace
            UNION ALL
            SELECT 'relation', c.oid::regclass::text,
                   c.relkind::text || COALESCE(c.reloptions::text, '') || COALESCE(pg_get_viewdef(c.oid),
                       '') ||
                       COALESCE(
                       (SELECT string_agg(concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod),
                           a.attnotnull, a.attidentity,
                                                    pg_get_expr(d.adbin, d.adrelid), col_description(c.oid,
                                                        a.attnum)), ', ' ORDER BY a.attname)
                          FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum =
                              a.attnum
                         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), ''),
                   c.relowner::regrole::text,
                   (SELECT string_agg(a, ' ' ORDER BY a) FROM unnest(c.relacl::text[]) AS a),
                       obj_description(c.oid, 'pg_class')
              FROM pg_class c WHERE c.relnamespace = 'asymm'::regnamespace
            UNION ALL
            SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid), '', '',
                obj_description(oid, 'pg_constraint')
              FROM pg_constraint WHERE connamespace = 'asymm'::regnamespace
            UNION ALL
            SELECT 'trigger', tgrelid::regclass || '.' || tgname, pg_get_triggerdef(oid), '', '', ''
              FROM pg_trigger WHERE NOT tgisinternal AND tgfoid::regproc::text LIKE 'asymm.%'
            UNION ALL
            SELECT 'index', indexrelid::regclass::text, pg_get_indexdef(indexrelid), '', '', ''
              FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relnamespace =
                  'asymm'::regnamespace
            UNION ALL
            SELECT 'event trigger', evtname, concat_ws(' ', evtevent, evtenabled, evtfoid::regproc), '',
                '', '' FROM pg_event_trigger
            UNION ALL
            SELECT 'cast', format('%s as %s', castsource::regtype, casttarget::regtype),
                concat_ws(' ', castfunc::regprocedure, castcontext), '', '', ''
              FROM pg_cast WHERE ARRAY[castsource, casttarget] && ARRAY['asymm.annotation'::regtype::oid,
                  'asymm.cost'::regtype]
            UNION ALL
            SELECT 'type', t.oid::regtype::text,
                   ARRAY(SELECT concat_ws(' ', attname, atttypid::regtype) FROM pg_attribute
                          WHERE attrelid = t.typrelid AND attnum > 0 ORDER BY attnum)::text
                       || ARRAY(SELECT enumlabel FROM pg_enum WHERE enumtypid = t.oid
                                 ORDER BY enumsortorder)::text
                       || ARRAY(SELECT pg_get_constraintdef(oid) FROM pg_constraint
                                 WHERE contypid = t.oid)::text, t.typowner::regrole::text,
                   (SELECT string_agg(a, ' ' ORDER BY a) FROM unnest(t.typacl::text[]) AS a),
                   obj_description(t.oid, 'pg_type')
              FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
             WHERE t.typnamespace = 'asymm'::regnamespace AND t.typelem = 0 AND COALESCE(c.relkind, 'c') = 'c'
            UNION ALL
            SELECT 'dumped', t.relid::regclass::text,
                   ARRAY(SELECT u.oid::regclass::text FROM unnest(e.extconfig) AS u (oid) ORDER BY 1)::text,
                   '', '', ''
              FROM pg_extension e, unnest(e.extconfig) AS t (relid) WHERE e.extname = 'asymmetrica'
            UNION ALL
            SELECT 'member', pg_describe_object(d.classid, d.objid, 0), '', '', '', ''
              FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'asymmetrica'
             WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND d.classid <>
                 'pg_cast'::regclass
            UNION ALL
            SELECT 'organ', name, organ::text, '', '', '' FROM asymm.organ
        ) AS x (kind, name, definition, owner, rights, comment)
         ORDER BY kind COLLATE "C", name COLLATE "C", definition COLLATE "C" """)
