-- The graph: what data lives in (entities), what asks for it (queries), where copies of it are (caches), and how it flows between
-- them. All of it is derived from catalogs and workload; what people declare of it stands in tables of its own, by the names of nodes.

CREATE TABLE asymm.node (
    id integer PRIMARY KEY,
    kind text NOT NULL CONSTRAINT node_kind CHECK (kind IN ('entity', 'query', 'cache')),
    name text NOT NULL,
    what text NOT NULL,
    relid oid,
    query_id bigint,
    first_seen timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    gone_at timestamptz,
    CONSTRAINT node_name UNIQUE (kind, name)
);
CREATE INDEX node_relid ON asymm.node (relid) WHERE relid IS NOT NULL;
CREATE INDEX node_query ON asymm.node (query_id) WHERE query_id IS NOT NULL;
COMMENT ON TABLE asymm.node IS 'Nodes of the graph; read them in asymm.nodes.';
COMMENT ON COLUMN asymm.node.id IS 'Numbers are used again, so that they stay dense: searches keep an array by them.';
COMMENT ON COLUMN asymm.node.name IS 'What stands behind the kind: schema.table, the number of a query, the mirrored table or the fingerprint of a cached query.';
COMMENT ON COLUMN asymm.node.what IS 'table, view, …; the command of a query; mirrored table or cached query.';
COMMENT ON COLUMN asymm.node.gone_at IS 'When it was seen to be gone; it is forgotten after the retention.';

-- No foreign keys: a hundred thousand flows are written at a time, by one function.
CREATE TABLE asymm.flow (
    source integer NOT NULL,
    target integer NOT NULL,
    kind text NOT NULL
        CONSTRAINT flow_kind CHECK (kind IN ('references', 'view', 'rule', 'function', 'inherits', 'reads', 'writes', 'mirror', 'cached')),
    first_seen timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (source, target, kind)
);
CREATE INDEX flow_target ON asymm.flow (target);
COMMENT ON TABLE asymm.flow IS 'Flows between nodes, by their numbers; read them in asymm.flows.';

CREATE TABLE asymm.graph_state (
    only_row boolean NOT NULL DEFAULT true PRIMARY KEY CONSTRAINT graph_state_only_row CHECK (only_row),
    refreshed_at timestamptz,
    whole_at timestamptz,
    catalog_writes bigint[],
    ddl_id bigint,
    query_id bigint NOT NULL DEFAULT 0,
    looked_at timestamptz NOT NULL DEFAULT '-infinity',
    copies text
) WITH (fillfactor = 50);
INSERT INTO asymm.graph_state DEFAULT VALUES;
COMMENT ON TABLE asymm.graph_state IS 'What the last refresh of the graph had seen of each source.';
COMMENT ON COLUMN asymm.graph_state.catalog_writes IS 'What asymm._catalog_writes() said.';
COMMENT ON COLUMN asymm.graph_state.ddl_id IS 'The last row of the DDL log.';
COMMENT ON COLUMN asymm.graph_state.query_id IS 'The last statement.';
COMMENT ON COLUMN asymm.graph_state.looked_at IS 'When the last plan was looked at.';
COMMENT ON COLUMN asymm.graph_state.copies IS 'How many tables are mirrored and results kept, and when one was last told of.';

CREATE TABLE asymm.graph_setting (
    only_row boolean NOT NULL DEFAULT true PRIMARY KEY CONSTRAINT graph_setting_only_row CHECK (only_row),
    dormant_after interval NOT NULL DEFAULT '7 days'
        CONSTRAINT graph_setting_dormant_after CHECK (dormant_after BETWEEN '1 s' AND '3650 days'),
    slow_variance double precision NOT NULL DEFAULT 20000
        CONSTRAINT graph_setting_slow_variance CHECK (slow_variance > 0 AND slow_variance <= 1e15),
    accept_annotations boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE asymm.graph_setting IS 'What an operator configured of the graph: one row at most, written by asymm.configure_graph(); survives pg_dump.';
COMMENT ON COLUMN asymm.graph_setting.only_row IS 'Always true: the table holds one row at most.';
COMMENT ON COLUMN asymm.graph_setting.dormant_after IS 'A declared flow that did not fire for this long is dormant.';
COMMENT ON COLUMN asymm.graph_setting.slow_variance IS 'A flow whose latency varies by more (ms²) is slow.';
COMMENT ON COLUMN asymm.graph_setting.accept_annotations IS 'Whether proposed annotations are accepted without asking; where somebody annotated, none is proposed.';

CREATE TABLE asymm._graph_setting_default (LIKE asymm.graph_setting INCLUDING ALL);
INSERT INTO asymm._graph_setting_default DEFAULT VALUES;
COMMENT ON TABLE asymm._graph_setting_default IS 'The defaults of asymm.graph_setting as a row; never written again.';

CREATE VIEW asymm.graph_settings AS
    SELECT g.* FROM asymm.graph_setting AS g
    UNION ALL
    SELECT d.* FROM asymm._graph_setting_default AS d WHERE NOT EXISTS (SELECT FROM asymm.graph_setting);
COMMENT ON VIEW asymm.graph_settings IS 'The settings of the graph in force, one row: those configured, else the defaults.';

-- One voice, one tuple: several roles may say different things of a node, which is then forked.
CREATE TABLE asymm.node_annotation (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    node text NOT NULL CONSTRAINT node_annotation_node CHECK (node ~ '^(entity|query|cache):.'),
    annotated_by name NOT NULL,
    annotation asymm.annotation NOT NULL,
    annotated_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    CONSTRAINT node_annotation_voice UNIQUE (node, annotated_by)
);
COMMENT ON TABLE asymm.node_annotation IS 'What was declared of nodes by asymm.annotate(), or accepted; survives pg_dump, but of queries, whose numbers do not.';
SELECT pg_catalog.pg_extension_config_dump('asymm.node_annotation', 'WHERE node NOT LIKE ''query:%''');
SELECT pg_catalog.pg_extension_config_dump('asymm.node_annotation_id_seq', '');

CREATE TABLE asymm.declared_flow (
    source text NOT NULL CONSTRAINT declared_flow_source CHECK (source ~ '^(entity|query|cache):.'),
    target text NOT NULL CONSTRAINT declared_flow_target CHECK (target ~ '^(entity|query|cache):.'),
    declared_by name NOT NULL,
    declared_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (source, target)
);
COMMENT ON TABLE asymm.declared_flow IS 'Flows that asymm.declare_flow() says there should be; survives pg_dump, but for those of queries.';
SELECT pg_catalog.pg_extension_config_dump('asymm.declared_flow', 'WHERE source NOT LIKE ''query:%'' AND target NOT LIKE ''query:%''');
SELECT pg_catalog.pg_extension_config_dump('asymm.graph_setting', '');

-- Rows of ours, not an action: accepting one changes nobody's object.
CREATE TABLE asymm.annotation_proposal (
    node text PRIMARY KEY,
    annotation asymm.annotation NOT NULL,
    evidence jsonb NOT NULL,
    state text NOT NULL DEFAULT 'proposed' CONSTRAINT annotation_proposal_state CHECK (state IN ('proposed', 'accepted', 'rejected')),
    proposed_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    decided_by name,
    decided_at timestamptz
);
COMMENT ON TABLE asymm.annotation_proposal IS 'Annotations proposed for nodes that have none, from what is measured; news, so it is not dumped.';
COMMENT ON COLUMN asymm.annotation_proposal.evidence IS 'What each field was concluded from.';
