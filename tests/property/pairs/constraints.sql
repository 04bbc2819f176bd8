=== orders and their lines
CREATE TABLE customer (id integer PRIMARY KEY, email text CONSTRAINT customer_email_key UNIQUE, tenant integer, UNIQUE (tenant, id));
CREATE TABLE orders (
    id integer CONSTRAINT orders_pkey PRIMARY KEY,
    customer_id integer NOT NULL CONSTRAINT orders_customer_fk REFERENCES customer (id),
    tenant integer,
    total numeric CONSTRAINT total_positive CHECK (total > 0),
    state varchar(20) DEFAULT 'new' CONSTRAINT state_known CHECK (state IN ('new', 'paid', 'sent')),
    during tstzrange,
    note text
);
CREATE INDEX ON orders (customer_id);
CREATE TABLE line (order_id integer REFERENCES orders, number integer, PRIMARY KEY (order_id, number));
--- a check added
ALTER TABLE orders ADD CONSTRAINT note_short CHECK (length(note) < 200);
--- a check dropped
ALTER TABLE orders DROP CONSTRAINT total_positive;
--- a check changed
ALTER TABLE orders DROP CONSTRAINT total_positive, ADD CONSTRAINT total_positive CHECK (total >= 0.01 AND total < 1000000);
--- one word more in a list
ALTER TABLE orders DROP CONSTRAINT state_known, ADD CONSTRAINT state_known CHECK (state IN ('new', 'paid', 'sent', 'returned'));
--- a check renamed
ALTER TABLE orders RENAME CONSTRAINT total_positive TO orders_total_check;
--- a check not validated
ALTER TABLE orders ADD CONSTRAINT note_given CHECK (note <> '') NOT VALID;
--- a check made not valid
ALTER TABLE orders DROP CONSTRAINT total_positive, ADD CONSTRAINT total_positive CHECK (total > 0) NOT VALID;
--- a check for this table only
ALTER TABLE orders ADD CONSTRAINT here_only CHECK (id > 0) NO INHERIT;
--- a check that calls a function
CREATE FUNCTION is_nice(text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT $1 !~ 'bad' $$;
ALTER TABLE orders ADD CONSTRAINT note_nice CHECK (is_nice(note));
--- a unique constraint added
ALTER TABLE orders ADD CONSTRAINT orders_note_key UNIQUE (note);
--- a unique constraint of two columns changed to one
ALTER TABLE customer DROP CONSTRAINT customer_tenant_id_key, ADD CONSTRAINT customer_tenant_id_key UNIQUE (tenant);
--- a unique constraint that may wait
ALTER TABLE customer DROP CONSTRAINT customer_email_key, ADD CONSTRAINT customer_email_key UNIQUE (email) DEFERRABLE INITIALLY DEFERRED;
--- a unique constraint for which nulls are the same
ALTER TABLE customer DROP CONSTRAINT customer_email_key, ADD CONSTRAINT customer_email_key UNIQUE NULLS NOT DISTINCT (email);
--- a unique constraint that carries a column
ALTER TABLE customer DROP CONSTRAINT customer_email_key, ADD CONSTRAINT customer_email_key UNIQUE (email) INCLUDE (tenant);
--- a unique constraint made an index
ALTER TABLE customer DROP CONSTRAINT customer_email_key;
CREATE UNIQUE INDEX customer_email_key ON customer (email);
--- an index made a constraint
-- old
CREATE UNIQUE INDEX orders_note ON orders (note);
-- new
CREATE UNIQUE INDEX orders_note ON orders (note);
ALTER TABLE orders ADD CONSTRAINT orders_note UNIQUE USING INDEX orders_note;
--- a constraint with a fill factor
ALTER TABLE customer DROP CONSTRAINT customer_email_key, ADD CONSTRAINT customer_email_key UNIQUE (email) WITH (fillfactor = 70);
--- a primary key dropped
ALTER TABLE line DROP CONSTRAINT line_pkey;
--- a primary key of fewer columns
ALTER TABLE line DROP CONSTRAINT line_pkey, ADD PRIMARY KEY (order_id);
--- a primary key in another order
ALTER TABLE line DROP CONSTRAINT line_pkey, ADD PRIMARY KEY (number, order_id);
--- a primary key renamed
ALTER TABLE orders RENAME CONSTRAINT orders_pkey TO pk_orders;
--- a primary key on another column, with foreign keys to it
ALTER TABLE orders ADD COLUMN uuid uuid DEFAULT gen_random_uuid();
ALTER TABLE line DROP CONSTRAINT line_order_id_fkey;
ALTER TABLE orders DROP CONSTRAINT orders_pkey, ADD CONSTRAINT orders_pkey PRIMARY KEY (uuid);
--- a referenced key retyped
ALTER TABLE orders DROP CONSTRAINT orders_customer_fk;
ALTER TABLE customer ALTER id TYPE bigint;
ALTER TABLE orders ALTER customer_id TYPE bigint;
ALTER TABLE orders ADD CONSTRAINT orders_customer_fk FOREIGN KEY (customer_id) REFERENCES customer (id);
--- a foreign key added
ALTER TABLE orders ADD CONSTRAINT orders_email_fk FOREIGN KEY (note) REFERENCES customer (email);
--- a foreign key of two columns
ALTER TABLE orders ADD CONSTRAINT same_tenant FOREIGN KEY (tenant, customer_id) REFERENCES customer (tenant, id) MATCH FULL;
--- a foreign key dropped
ALTER TABLE orders DROP CONSTRAINT orders_customer_fk;
--- a foreign key that deletes
ALTER TABLE orders DROP CONSTRAINT orders_customer_fk,
    ADD CONSTRAINT orders_customer_fk FOREIGN KEY (customer_id) REFERENCES customer (id) ON DELETE CASCADE ON UPDATE RESTRICT;
--- a foreign key that sets one column to null
ALTER TABLE orders ADD CONSTRAINT same_tenant FOREIGN KEY (tenant, customer_id) REFERENCES customer (tenant, id) ON DELETE SET NULL (tenant);
--- a foreign key that may wait
ALTER TABLE orders ALTER CONSTRAINT orders_customer_fk DEFERRABLE INITIALLY DEFERRED;
--- a foreign key not validated
ALTER TABLE line DROP CONSTRAINT line_order_id_fkey, ADD CONSTRAINT line_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders NOT VALID;
--- a foreign key to another table
CREATE TABLE client (id integer PRIMARY KEY);
ALTER TABLE orders DROP CONSTRAINT orders_customer_fk, ADD CONSTRAINT orders_customer_fk FOREIGN KEY (customer_id) REFERENCES client;
--- a foreign key to itself
ALTER TABLE orders ADD COLUMN parent integer CONSTRAINT parent_fk REFERENCES orders ON DELETE SET NULL;
--- a foreign key renamed
ALTER TABLE orders RENAME CONSTRAINT orders_customer_fk TO fk_customer;
--- an exclusion constraint
ALTER TABLE orders ADD CONSTRAINT no_overlap EXCLUDE USING gist (during WITH &&) WHERE (state <> 'sent');
--- comments
COMMENT ON CONSTRAINT total_positive ON orders IS 'nobody works for free';
COMMENT ON CONSTRAINT orders_customer_fk ON orders IS 'theirs';
--- the table gone that others refer to
DROP TABLE line;
DROP TABLE orders;
--- many at once
ALTER TABLE orders DROP CONSTRAINT total_positive, DROP CONSTRAINT state_known, ADD CONSTRAINT c1 CHECK (note IS NOT NULL), ALTER note SET NOT NULL;
ALTER TABLE line ADD CONSTRAINT n CHECK (number > 0);
ALTER TABLE customer ADD CONSTRAINT e CHECK (email LIKE '%@%');

=== a circle of foreign keys
CREATE TABLE department (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE employee (id integer PRIMARY KEY, department_id integer);
--- the circle is closed
ALTER TABLE department ADD COLUMN head_id integer;
ALTER TABLE employee ADD CONSTRAINT works_in FOREIGN KEY (department_id) REFERENCES department;
ALTER TABLE department ADD CONSTRAINT led_by FOREIGN KEY (head_id) REFERENCES employee DEFERRABLE;
--- both tables are new
CREATE TABLE a (id integer PRIMARY KEY, b_id integer);
CREATE TABLE b (id integer PRIMARY KEY, a_id integer REFERENCES a, e_id integer REFERENCES employee);
ALTER TABLE a ADD FOREIGN KEY (b_id) REFERENCES b;
--- both tables go
DROP TABLE department, employee;
--- types change around it
ALTER TABLE department ADD COLUMN head_id bigint;
ALTER TABLE employee ALTER id TYPE bigint;
ALTER TABLE employee ADD CONSTRAINT works_in FOREIGN KEY (department_id) REFERENCES department;
ALTER TABLE department ADD CONSTRAINT led_by FOREIGN KEY (head_id) REFERENCES employee;

=== bookings that must not overlap
CREATE EXTENSION btree_gist;
CREATE TABLE booking (room integer, during tsrange, EXCLUDE USING gist (room WITH =, during WITH &&));
--- the exclusion has a name and waits
ALTER TABLE booking DROP CONSTRAINT booking_room_during_excl;
ALTER TABLE booking ADD CONSTRAINT one_at_a_time EXCLUDE USING gist (room WITH =, during WITH &&) DEFERRABLE INITIALLY DEFERRED;
--- without the extension
DROP EXTENSION btree_gist CASCADE;
--- the room is a text
ALTER TABLE booking ALTER room TYPE text;
