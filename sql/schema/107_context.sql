-- What is known of a node; see api/107_context.sql.

CREATE DOMAIN asymm.context AS asymm.annotation[]
    CONSTRAINT context_flat CHECK (COALESCE(pg_catalog.array_ndims(VALUE), 1) = 1 AND pg_catalog.array_position(VALUE, NULL) IS NULL);
COMMENT ON DOMAIN asymm.context IS 'What is known of a node: no annotation (missing), one (annotated) or several that disagree (forked).';
