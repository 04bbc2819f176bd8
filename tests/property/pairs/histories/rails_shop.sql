-- An online shop, its migrations in the manner of Rails.
--- tables
CREATE TABLE schema_migrations (version character varying NOT NULL PRIMARY KEY);
CREATE TABLE ar_internal_metadata (key character varying NOT NULL PRIMARY KEY, value character varying,
    created_at timestamp(6) without time zone NOT NULL, updated_at timestamp(6) without time zone NOT NULL);
CREATE TABLE users (id bigserial PRIMARY KEY, email character varying DEFAULT ''::character varying NOT NULL,
    encrypted_password character varying DEFAULT '' NOT NULL,
    reset_password_token character varying, sign_in_count integer DEFAULT 0, created_at timestamp(6) NOT NULL, updated_at timestamp(6) NOT NULL);
CREATE UNIQUE INDEX index_users_on_email ON users USING btree (email);
CREATE UNIQUE INDEX index_users_on_reset_password_token ON users USING btree (reset_password_token);
CREATE TABLE products (id bigserial PRIMARY KEY, name character varying, price_cents integer DEFAULT 0 NOT NULL, description text,
    created_at timestamp(6) NOT NULL, updated_at timestamp(6) NOT NULL);
CREATE TABLE orders (id bigserial PRIMARY KEY, user_id bigint, status integer DEFAULT 0, total_cents integer, created_at timestamp(6) NOT NULL);
CREATE INDEX index_orders_on_user_id ON orders USING btree (user_id);
--- lines and foreign keys
CREATE TABLE line_items (id bigserial PRIMARY KEY, order_id bigint NOT NULL, product_id bigint NOT NULL, quantity integer DEFAULT 1);
CREATE INDEX index_line_items_on_order_id ON line_items (order_id);
CREATE INDEX index_line_items_on_product_id ON line_items (product_id);
ALTER TABLE line_items ADD CONSTRAINT fk_rails_2dc2e5c22c FOREIGN KEY (order_id) REFERENCES orders (id);
ALTER TABLE line_items ADD CONSTRAINT fk_rails_11e15d5c6b FOREIGN KEY (product_id) REFERENCES products (id);
ALTER TABLE orders ADD CONSTRAINT fk_rails_f868b47f6a FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE SET NULL;
--- polymorphic comments, Active Storage
CREATE TABLE comments (id bigserial PRIMARY KEY, commentable_type character varying, commentable_id bigint, body text,
    user_id bigint REFERENCES users (id));
CREATE INDEX index_comments_on_commentable ON comments (commentable_type, commentable_id);
CREATE TABLE active_storage_blobs (id bigserial PRIMARY KEY, key character varying NOT NULL, filename character varying NOT NULL, metadata text,
    byte_size bigint NOT NULL);
CREATE UNIQUE INDEX index_active_storage_blobs_on_key ON active_storage_blobs (key);
CREATE TABLE active_storage_attachments (id bigserial PRIMARY KEY, name character varying NOT NULL, record_type character varying NOT NULL,
    record_id bigint NOT NULL,
    blob_id bigint NOT NULL CONSTRAINT fk_rails_c3b3935057 REFERENCES active_storage_blobs (id));
CREATE UNIQUE INDEX index_attachments_uniqueness ON active_storage_attachments (record_type, record_id, name, blob_id);
--- money and statuses
ALTER TABLE products RENAME COLUMN price_cents TO price;
ALTER TABLE products ALTER COLUMN price DROP DEFAULT, ALTER COLUMN price TYPE numeric(10,2) USING price / 100.0, ALTER COLUMN price SET DEFAULT 0.0;
ALTER TABLE orders ALTER COLUMN status DROP DEFAULT, ALTER COLUMN status TYPE character varying USING status::text,
    ALTER COLUMN status SET DEFAULT 'pending',
    ALTER COLUMN status SET NOT NULL;
CREATE INDEX index_orders_on_status ON orders (status) WHERE status <> 'done';
--- search and slugs
CREATE EXTENSION pg_trgm;
CREATE EXTENSION citext;
ALTER TABLE users ALTER COLUMN email DROP DEFAULT, ALTER COLUMN email TYPE citext;
ALTER TABLE products ADD COLUMN slug character varying;
CREATE UNIQUE INDEX index_products_on_slug ON products (slug);
CREATE INDEX index_products_on_name_trgm ON products USING gin (name gin_trgm_ops);
--- counters, flags, jsonb
ALTER TABLE users ADD COLUMN orders_count integer DEFAULT 0 NOT NULL, ADD COLUMN admin boolean DEFAULT false NOT NULL,
    ADD COLUMN settings jsonb DEFAULT '{}' NOT NULL;
CREATE INDEX index_users_on_settings ON users USING gin (settings);
ALTER TABLE users DROP COLUMN sign_in_count;
--- a report
CREATE VIEW order_totals AS
    SELECT o.id AS order_id, sum(li.quantity * p.price) AS total
      FROM orders o JOIN line_items li ON li.order_id = o.id JOIN products p ON p.id = li.product_id GROUP BY o.id;
CREATE MATERIALIZED VIEW best_sellers AS
    SELECT p.id, p.name, sum(li.quantity) AS sold FROM products
        p LEFT JOIN line_items li ON li.product_id = p.id GROUP BY p.id ORDER BY 3 DESC NULLS LAST;
CREATE UNIQUE INDEX index_best_sellers_on_id ON best_sellers (id);
--- uuids for orders
ALTER TABLE orders ADD COLUMN uuid uuid DEFAULT gen_random_uuid() NOT NULL;
CREATE UNIQUE INDEX index_orders_on_uuid ON orders (uuid);
ALTER TABLE orders DROP COLUMN total_cents;
--- check constraints and a trigger
ALTER TABLE line_items ADD CONSTRAINT chk_rails_quantity CHECK (quantity > 0), ALTER COLUMN quantity SET NOT NULL;
ALTER TABLE orders ADD CONSTRAINT chk_rails_status CHECK (status IN ('pending', 'paid', 'sent', 'done'));
CREATE FUNCTION count_orders() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE users SET orders_count = orders_count + CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END
     WHERE id = CASE TG_OP WHEN 'INSERT' THEN NEW.user_id ELSE OLD.user_id END;
    RETURN NULL;
END $$;
CREATE TRIGGER count_orders AFTER INSERT OR DELETE ON orders FOR EACH ROW EXECUTE FUNCTION count_orders();
--- cleaned up
DROP MATERIALIZED VIEW best_sellers;
DROP TABLE comments;
DROP INDEX index_products_on_name_trgm;
DROP EXTENSION pg_trgm;
ALTER TABLE products ALTER COLUMN name SET NOT NULL;
--- renamed all over
ALTER TABLE line_items RENAME TO order_lines;
ALTER SEQUENCE line_items_id_seq RENAME TO order_lines_id_seq;
ALTER INDEX line_items_pkey RENAME TO order_lines_pkey;
ALTER INDEX index_line_items_on_order_id RENAME TO index_order_lines_on_order_id;
ALTER INDEX index_line_items_on_product_id RENAME TO index_order_lines_on_product_id;
