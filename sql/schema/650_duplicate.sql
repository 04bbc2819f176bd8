-- What merging duplicates took away, so that it can be put back until its retention ends.

CREATE TABLE asymm.recycled_row (
    action_id bigint NOT NULL,
    item bigint NOT NULL,
    kept text[] NOT NULL,
    content text[] NOT NULL,
    PRIMARY KEY (action_id, item)
);
COMMENT ON TABLE asymm.recycled_row IS 'Rows that a merge removed: their values as text, in the order of the columns in the action''s evidence. Purged with the action.';
COMMENT ON COLUMN asymm.recycled_row.kept IS 'The columns that tell a row or are referred to, of the row that was kept in its place.';

CREATE TABLE asymm.repointed_row (
    action_id bigint NOT NULL,
    reference smallint NOT NULL,
    item bigint NOT NULL,
    key text[] NOT NULL
);
CREATE INDEX repointed_row_action ON asymm.repointed_row (action_id, reference, item);
COMMENT ON TABLE asymm.repointed_row IS 'Rows whose foreign key a merge pointed to the row that was kept: by number of the reference in the action''s evidence, the removed row, and their primary key since.';
