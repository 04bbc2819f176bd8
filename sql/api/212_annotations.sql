-- What people say of nodes: annotations and flows that should be. Both are by name, so that they survive a dump; a node is asked
-- for when something is said of it, and need not be there for ever.

-- An entity and its copy belong to the owner of the table; a statement and a kept result to nobody, so any operator may speak of them.
CREATE OR REPLACE FUNCTION asymm._require_voice(node asymm.node) RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_name constant text := (node).kind || ':' || (node).name;
    v_relid oid := (node).relid;
BEGIN
    IF (node).what = 'mirrored table' THEN
        SELECT n.relid INTO v_relid FROM asymm.node AS n WHERE n.kind = 'entity' AND n.name = (node).name AND n.gone_at IS NULL;
    END IF;
    IF v_relid IS NOT NULL THEN
        PERFORM asymm._require_rights((SELECT pg_get_userbyid(c.relowner) FROM pg_class AS c WHERE c.oid = v_relid), v_name);
    ELSE
        PERFORM asymm._require_session();
    END IF;
    RETURN v_name;
END
$$;
COMMENT ON FUNCTION asymm._require_voice(asymm.node) IS 'The name of a node; raises 42501 unless the caller may act for its owner, if it has one.';

-- What was said first stands first; of one that is forked nothing can be believed or not.
CREATE OR REPLACE FUNCTION asymm._node_context(node asymm.node, OUT context asymm.context, OUT said_by name[], OUT fidelity double precision)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_all asymm.annotation[];
    v_measured jsonb;
BEGIN
    SELECT COALESCE(array_agg(v.annotation ORDER BY v.annotated_at, v.annotated_by), '{}'),
           COALESCE(array_agg(v.annotated_by ORDER BY v.annotated_at, v.annotated_by), '{}')
      INTO v_all, said_by
      FROM asymm._voice AS v WHERE v.node = ($1).kind || ':' || ($1).name;
    context := asymm.context(VARIADIC v_all);
    IF asymm.context_state(context) = 'annotated' THEN
        v_measured := asymm._node_measures($1);
        fidelity := asymm.fidelity(context[1], v_measured ->> 'regime', (v_measured ->> 'cost')::asymm.cost);
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._node_context(asymm.node)
    IS 'What is said of a node, by whom, and how far it can be believed by what is measured of it (NULL: nothing, or nothing in unison, was said).';

CREATE OR REPLACE FUNCTION asymm.annotation_of(node text)
RETURNS TABLE (name text, state text, agreed asymm.annotation, context asymm.context, said_by name[], fidelity double precision)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_node constant asymm.node := asymm._require_node($1);
BEGIN
    RETURN QUERY
        SELECT (v_node).kind || ':' || (v_node).name, s.state, CASE WHEN s.state = 'annotated' THEN c.context[1] END, c.context, c.said_by, c.fidelity
          FROM asymm._node_context(v_node) AS c CROSS JOIN LATERAL asymm.context_state(c.context) AS s (state);
END
$$;
COMMENT ON FUNCTION asymm.annotation_of(text)
    IS 'What is said of a node: state missing, annotated or forked (several annotations that disagree, in context), by whom, and how far it can be believed. Raises 42704 with the nearest names.';

CREATE OR REPLACE FUNCTION asymm._say(node text, by_role name, annotation asymm.annotation) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO asymm.node_annotation (node, annotated_by, annotation) VALUES ($1, $2, $3)
    ON CONFLICT ON CONSTRAINT node_annotation_voice DO UPDATE SET annotation = excluded.annotation, annotated_at = clock_timestamp();
END
$$;
COMMENT ON FUNCTION asymm._say(text, name, asymm.annotation) IS 'Notes what a role says of a node, in place of what it said before.';

CREATE OR REPLACE FUNCTION asymm.annotate(node text, annotation asymm.annotation)
RETURNS TABLE (name text, state text, agreed asymm.annotation, context asymm.context, said_by name[], fidelity double precision)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_name constant text := asymm._require_voice(asymm._require_node($1));
BEGIN
    IF $2 IS NOT DISTINCT FROM NULL THEN
        PERFORM asymm._require_text(NULL, 'annotation');
    END IF;
    PERFORM asymm._say(v_name, asymm._caller(), asymm._require_annotation($2));
    DELETE FROM asymm.annotation_proposal AS p WHERE p.node = v_name AND p.state <> 'accepted';
    PERFORM asymm._record_place();
    RETURN QUERY SELECT * FROM asymm.annotation_of(v_name);
END
$$;
COMMENT ON FUNCTION asymm.annotate(text, asymm.annotation)
    IS 'Says of a node what it is, in place of what the same role said before. What other roles say stands beside it: where they disagree the node is forked. Returns what is said of it now. Raises 42704, 42501, 22004, 22023.';

CREATE OR REPLACE FUNCTION asymm.unannotate(node text)
RETURNS TABLE (name text, state text, agreed asymm.annotation, context asymm.context, said_by name[], fidelity double precision)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_name constant text := asymm._require_voice(asymm._require_node($1));
BEGIN
    DELETE FROM asymm.node_annotation AS a WHERE a.node = v_name AND a.annotated_by = asymm._caller();
    IF NOT FOUND THEN
        RAISE EXCEPTION 'role "%" has said nothing of "%"', asymm._caller(), v_name
            USING ERRCODE = 'undefined_object', DETAIL = 'What watch() was given, and what other roles said, remains.',
                  HINT = format('SELECT * FROM asymm.annotation_of(%L)', v_name);
    END IF;
    RETURN QUERY SELECT * FROM asymm.annotation_of(v_name);
END
$$;
COMMENT ON FUNCTION asymm.unannotate(text) IS 'Takes back what the caller''s role said of a node by annotate(). Returns what is said of it still. Raises 42704, 42501.';

-- Each candidate is heard by what is measured of the node: its regime, its cost, and how much of its lineage was seen to flow.
CREATE OR REPLACE FUNCTION asymm.settle(node text)
RETURNS TABLE (name text, state text, agreed asymm.annotation, context asymm.context, said_by name[], fidelity double precision)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_node constant asymm.node := asymm._require_node($1);
    v_name constant text := asymm._require_voice(v_node);
    v_context asymm.context;
    v_measured jsonb;
    v_witnesses asymm.witness[];
    v_winner asymm.annotation;
BEGIN
    SELECT o.context INTO v_context FROM asymm.annotation_of(v_name) AS o WHERE o.state = 'forked';
    IF FOUND THEN
        v_measured := asymm._node_measures(v_node);
        v_witnesses := ARRAY(
            SELECT ROW(c.place, w.fidelity, w.confidence, 1)::asymm.witness
              FROM unnest(v_context) WITH ORDINALITY AS c (symbol, scope, regime, cost, lineage, weight, place)
             CROSS JOIN LATERAL (
                   SELECT CASE WHEN c.regime = v_measured ->> 'regime' THEN 1 WHEN 'Balance' IN (c.regime, v_measured ->> 'regime') THEN 0.5
                               ELSE 0 END, 0.5
                   UNION ALL
                   SELECT CASE WHEN (v_measured ->> 'cost')::asymm.cost <= c.cost THEN 1 ELSE 0.25 END, 1 WHERE v_measured ? 'cost'
                   UNION ALL
                   SELECT count(*) FILTER (WHERE s.source IS NOT NULL)::double precision / count(*), 1
                     FROM unnest(c.lineage) AS l (entry) LEFT JOIN asymm._seen_lineage() AS s ON s.source = l.entry AND s.target = v_name
                    WHERE l.entry ~ '^(entity|query|cache):.' HAVING count(*) > 0) AS w (fidelity, confidence));
        v_winner := asymm.settle(v_name, v_context, v_witnesses);
        IF v_winner IS DISTINCT FROM NULL THEN
            DELETE FROM asymm.node_annotation AS a WHERE a.node = v_name;
            PERFORM asymm._say(v_name, asymm._caller(), v_winner);
            UPDATE asymm.baseline AS b SET annotation = v_winner
             WHERE b.kind IN ('table', 'view', 'materialized view', 'foreign table') AND b.annotation IS DISTINCT FROM NULL
               AND 'entity:' || format('%I.%I', b.schema_name, b.object_name) = v_name;
        END IF;
    END IF;
    RETURN QUERY SELECT * FROM asymm.annotation_of(v_name);
END
$$;
COMMENT ON FUNCTION asymm.settle(text)
    IS 'Arbitrates between annotations of a node that disagree, by what is measured of it: the winner stays, in Balance, the others go to asymm.quarantined. Returns what is said of it now. Raises 42704, 42501.';

CREATE OR REPLACE FUNCTION asymm.declare_flow(source text, target text) RETURNS TABLE (flow_source text, flow_target text, seen boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_from constant asymm.node := asymm._require_node($1, 'source');
BEGIN
    flow_source := (v_from).kind || ':' || (v_from).name;
    flow_target := asymm._require_voice(asymm._require_node($2, 'target'));
    IF flow_source = flow_target THEN
        RAISE EXCEPTION 'a flow from "%" to itself', flow_source
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'A flow leads from one node to another.',
                  HINT = 'Name the node the data comes from first.';
    END IF;
    INSERT INTO asymm.declared_flow (source, target, declared_by) VALUES (flow_source, flow_target, asymm._caller()) ON CONFLICT DO NOTHING;
    PERFORM asymm._record_place();
    seen := EXISTS (SELECT FROM asymm._seen_lineage() AS s WHERE s.source = flow_source AND s.target = flow_target);
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION asymm.declare_flow(text, text)
    IS 'Says that data flows from one node to another: asymm.lineage_faults tells when it is not seen to, and what else flows there. Says whether it was seen. Raises 42704, 42501, 22023.';

CREATE OR REPLACE FUNCTION asymm.undeclare_flow(source text, target text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_target constant asymm.node := asymm._node_named(asymm._require_text($2, 'target'));
    -- What is gone can be named in full.
    v_to constant text := COALESCE((v_target).kind || ':' || (v_target).name, $2);
BEGIN
    PERFORM asymm._require_text($1, 'source');
    IF (v_target).id IS NOT NULL THEN
        PERFORM asymm._require_voice(v_target);
    END IF;
    DELETE FROM asymm.declared_flow AS d
     WHERE d.target = v_to AND d.source = COALESCE((SELECT n.kind || ':' || n.name FROM asymm._node_named($1) AS n WHERE n.id IS NOT NULL), $1);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no flow from "%" to "%" is declared', left($1, 200), left($2, 200)
            USING ERRCODE = 'undefined_object', DETAIL = 'Flows that DDL or the lineage of an annotation declare are taken back there.',
                  HINT = 'SELECT source, target FROM asymm.flows WHERE declared';
    END IF;
END
$$;
COMMENT ON FUNCTION asymm.undeclare_flow(text, text) IS 'Takes back a flow that was declared by declare_flow(). Raises 42704, 42501.';
