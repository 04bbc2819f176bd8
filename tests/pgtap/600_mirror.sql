-- Room 600 by itself: what is refused and why, who may, what status says.
BEGIN;
SELECT plan(68);

CREATE ROLE tap_owner NOLOGIN;
CREATE ROLE tap_member IN ROLE tap_owner, asymm_operator;
CREATE ROLE tap_other IN ROLE asymm_operator;
CREATE ROLE tap_reader IN ROLE asymm_reader;
CREATE SCHEMA shop AUTHORIZATION tap_owner;
GRANT USAGE ON SCHEMA shop TO asymm_reader;
SET ROLE tap_owner;
CREATE TABLE shop.item (b int, id int PRIMARY KEY, name text, up text GENERATED ALWAYS AS (upper(name)) STORED);
CREATE TABLE shop."Odd, ""Name""" ("K 1" int, k2 text, v int, PRIMARY KEY (k2, "K 1"));
CREATE TABLE shop.parts (k int PRIMARY KEY, v text) PARTITION BY RANGE (k);
CREATE TABLE shop.part1 PARTITION OF shop.parts FOR VALUES FROM (1) TO (10);
CREATE TABLE shop.no_key (a int);
CREATE TABLE shop.late (a int PRIMARY KEY DEFERRABLE);
CREATE TABLE shop.secure (a int PRIMARY KEY);
ALTER TABLE shop.secure ENABLE ROW LEVEL SECURITY;
CREATE UNLOGGED TABLE shop.unlogged (a int PRIMARY KEY);
CREATE TABLE shop.parent (a int PRIMARY KEY);
CREATE TABLE shop.child () INHERITS (shop.parent);
CREATE TABLE shop.nothing (a int PRIMARY KEY);
ALTER TABLE shop.nothing REPLICA IDENTITY NOTHING;
CREATE TABLE shop.full_row (a int NOT NULL UNIQUE, b int UNIQUE, c int);
ALTER TABLE shop.full_row REPLICA IDENTITY FULL;
CREATE TABLE shop.generated (a int, g int GENERATED ALWAYS AS (a + 1) STORED PRIMARY KEY);
CREATE VIEW shop.seen AS SELECT * FROM shop.item;
CREATE MATERIALIZED VIEW shop.kept AS SELECT * FROM shop.item;
CREATE SEQUENCE shop.numbers;
CREATE TEMP TABLE passing (a int PRIMARY KEY);
RESET ROLE;
CREATE FOREIGN DATA WRAPPER tap_wrapper;
CREATE SERVER tap_server FOREIGN DATA WRAPPER tap_wrapper;
CREATE FOREIGN TABLE shop.elsewhere (a int) SERVER tap_server;

-- the login and the publication
SELECT throws_ok('SELECT * FROM asymm.mirror(''shop.item'')', '42704', 'publication "asymm_mirror" is not there', 'nothing is prepared');
SET ROLE tap_member;
SELECT throws_ok('SELECT * FROM asymm.create_mirror_login()', '42501', NULL, 'the login is made by superusers');
RESET ROLE;
SELECT throws_ok('SELECT * FROM asymm.create_mirror_login(NULL)', '22004', NULL, 'name is null');
SELECT throws_ok('SELECT * FROM asymm.create_mirror_login('' '')', '22023', NULL, 'name is blank');
SELECT throws_ok('SELECT * FROM asymm.create_mirror_login(''tap_member'')', 'SY003', NULL, 'a role with memberships');
SELECT throws_ok('SELECT * FROM asymm.create_mirror_login(current_user)', 'SY003', NULL, 'a superuser');
SELECT ok((SELECT count(*) FILTER (WHERE result = 'done') >= 8 FROM asymm.create_mirror_login('tap_mirror')), 'the login is made');
SELECT is((SELECT array_agg(DISTINCT result) FROM asymm.create_mirror_login('tap_mirror')), ARRAY['already so'], 'again: nothing to do');
SELECT ok((SELECT rolcanlogin AND rolreplication AND NOT (rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls)
             FROM pg_roles WHERE rolname = 'tap_mirror'), 'a login with REPLICATION only');
SELECT is((SELECT pubowner::regrole::text FROM pg_publication WHERE pubname = 'asymm_mirror'), 'asymm_operator', 'operators own the publication');
SELECT is_empty('SELECT * FROM asymm.mirror_status()', 'nothing is mirrored');

-- refused
SELECT throws_ok(format('SELECT * FROM asymm.mirror(%s)', arguments), state, NULL, arguments)
  FROM (VALUES ('NULL', '22004'), ('''shop.item'', format => NULL', '22004'), ('''shop.item'', format => ''xml''', '22023'),
               ('''shop.item'', ttl => ''0''', '22023'), ('''shop.item'', ttl => ''11 years''', '22023'),
               ('''shop.item'', columns => ''{}''', '22023'),
               ('''shop.item'', columns => ''{id,NULL}''', '22023'), ('''shop.item'', ''{NULL}''', '22023'),
               ('''shop.item'', ''{id,id}''', '22023'), ('4294967295::oid', '42P01'),
               ('''pg_class''', '42809'), ('''asymm.setting''', '42809'), ('''shop.seen''', '42809'), ('''shop.kept''', '42809'),
               ('''shop.numbers''', '42809'), ('''shop.item_pkey''', '42809'), ('''shop.elsewhere''', '42809'), ('''passing''', '42809'),
               ('''shop.unlogged''', '42809'), ('''shop.part1''', '42809'), ('''shop.no_key''', 'SY013'), ('''shop.late''', 'SY013'),
               ('''shop.secure''', 'SY013'), ('''shop.parent''', 'SY013'), ('''shop.nothing''', 'SY013'), ('''shop.generated''', 'SY013'),
               ('''shop.item'', ''{name}''', 'SY013'), ('''shop.item'', ''{none}''', 'SY013'), ('''shop.item'', columns => ''{name}''', 'SY013'),
               ('''shop.item'', columns => ''{id,up}''', 'SY013'), ('''shop.full_row''', 'SY013'), ('''shop.full_row'', ''{b}''', 'SY013'),
               ('''shop.full_row'', ''{a}'', ''{a,c}''', 'SY013')) AS t (arguments, state);
SET ROLE tap_other;
SELECT throws_ok('SELECT * FROM asymm.mirror(''shop.item'')', '42501', 'permission denied for "shop.item"', 'not one''s own table');
RESET ROLE;
SET ROLE tap_reader;
SELECT throws_ok('SELECT * FROM asymm.mirror(''shop.item'')', '42501', NULL, 'readers only look');
RESET ROLE;

-- taken
SET ROLE tap_member;
SELECT is((SELECT (object, state, format, key_columns, columns, error)::text FROM asymm.mirror('shop.item')),
          '(shop.item,"no worker",json,{id},"{b,id,name}",)', 'an operator of the owner mirrors it');
SELECT is((SELECT (epoch, key_columns, columns, format, ttl)::text
             FROM asymm.mirror('shop."Odd, ""Name"""', key_columns => '{K 1,k2}', columns => '{v,k2,K 1}', format => 'hash', ttl => '1 day')),
          '(2,"{""K 1"",k2}","{""K 1"",k2,v}",hash,"1 day")', 'odd names, the key in an order of one''s own');
SELECT lives_ok('SELECT * FROM asymm.mirror(''shop.full_row'', ''{a}'')', 'a key of one''s own where the whole row is told');
SELECT lives_ok('SELECT * FROM asymm.mirror(''shop.parts'')', 'a partitioned table');
SELECT is((SELECT epoch FROM asymm.mirror('shop.item')), 1::bigint, 'again: nothing changes');
RESET ROLE;
SELECT is((SELECT string_agg(tablename || ' ' || asymm._published_columns((quote_ident(schemaname) || '.' || quote_ident(tablename))::regclass)::text,
                             ' ' ORDER BY tablename) FROM pg_publication_tables WHERE pubname = 'asymm_mirror'),
          'Odd, "Name" {"K 1",k2,v} full_row {} item {} parts {}', 'what is published');
SELECT ok(has_table_privilege('tap_mirror', 'shop.parts', 'SELECT') AND has_schema_privilege('tap_mirror', 'shop', 'USAGE'),
          'the worker may read it');
SELECT ok(NOT has_table_privilege('tap_mirror', 'shop.no_key', 'SELECT'), 'and nothing else');
SELECT is((SELECT count(*) FROM asymm.mirror('shop.item', columns => '{id,name}') WHERE epoch > 4), 1::bigint, 'other columns: a new epoch');
SELECT ok(has_column_privilege('tap_mirror', 'shop.item', 'name', 'SELECT') AND NOT has_column_privilege('tap_mirror', 'shop.item', 'b', 'SELECT'),
          'of a list of columns only those');
SELECT lives_ok('UPDATE shop.item SET b = 1', 'the application goes on writing');

-- the worker
SET ROLE tap_mirror;
SELECT is((SELECT array_agg((table_name, key_columns, columns, types, format, ttl_seconds, state)::text ORDER BY id)
             FROM asymm._mirror_registry() WHERE format = 'hash'),
          ARRAY['("Odd, ""Name""","{""K 1"",k2}","{""K 1"",k2,v}","{integer,text,integer}",hash,86400,mirrored)'], 'the registry');
SELECT is((SELECT (slot LIKE 'asymm\_mirror\_%', publication, slot_state)::text FROM asymm._mirror_lead('one')),
          '(t,asymm_mirror,missing)', 'the lead');
SELECT lives_ok('SELECT asymm._mirror_report(''{"leader":"one","applied_lsn":"0/1","tables":[{"id":1,"state":"live","rows":7}]}'')', 'a report');
SELECT throws_ok('SELECT asymm._mirror_report(''{"leader":"two"}'')', 'SY014', NULL, 'who does not lead says nothing');
SELECT is((SELECT (state, rows, applied_lsn, lag_bytes > 0)::text FROM asymm.mirror_status() WHERE object = 'shop.item'), '(live,7,0/1,t)', 'status');
SELECT throws_ok('SELECT asymm.unmirror(''shop.item'')', '42501', NULL, 'the worker decides nothing');
RESET ROLE;

-- letting go
SELECT throws_ok('SELECT asymm.unmirror(NULL)', '22004', NULL, 'unmirror: null');
SELECT throws_ok('SELECT asymm.unmirror(''shop.no_key'')', '42704', '"shop.no_key" is not mirrored', 'unmirror: not mirrored');
SET ROLE tap_other;
SELECT throws_ok('SELECT asymm.unmirror(''shop.item'')', '42501', NULL, 'unmirror: not one''s own');
SET ROLE tap_member;
SELECT is((SELECT unmirror::text FROM asymm.unmirror('shop.item')), '(shop.item,)', 'unmirrored');
RESET ROLE;
SELECT ok(NOT EXISTS (SELECT FROM pg_publication_tables WHERE tablename = 'item')
          AND NOT has_any_column_privilege('tap_mirror', 'shop.item', 'SELECT'), 'nothing of it remains');

SELECT * FROM finish();
ROLLBACK;
