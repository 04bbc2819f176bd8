=== documents of tenants
CREATE FUNCTION tenant() RETURNS integer LANGUAGE sql STABLE AS $$ SELECT current_setting('app.tenant', true)::integer $$;
CREATE TABLE member (user_name text, tenant integer, role varchar(10));
CREATE TABLE doc (id integer PRIMARY KEY, tenant integer, author text, state varchar(10));
ALTER TABLE doc ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_tenant ON doc USING (tenant = tenant());
CREATE POLICY authors ON doc FOR UPDATE TO app_user USING (author = CURRENT_USER) WITH CHECK (author = CURRENT_USER);
--- added
CREATE POLICY readers ON doc FOR SELECT TO app_reader, anon USING (state IN ('public', 'shared'));
--- dropped
DROP POLICY authors ON doc;
--- another condition
ALTER POLICY by_tenant ON doc USING (tenant = tenant() AND state <> 'deleted');
--- another check
ALTER POLICY authors ON doc WITH CHECK (true);
--- for other roles
ALTER POLICY authors ON doc TO app_user, authenticated;
--- for everybody
ALTER POLICY authors ON doc TO PUBLIC;
--- another command
DROP POLICY authors ON doc;
CREATE POLICY authors ON doc FOR DELETE TO app_user USING (author = CURRENT_USER);
--- restrictive
DROP POLICY by_tenant ON doc;
CREATE POLICY by_tenant ON doc AS RESTRICTIVE USING (tenant = tenant());
--- without a condition
DROP POLICY by_tenant ON doc;
CREATE POLICY by_tenant ON doc FOR INSERT WITH CHECK (tenant = tenant());
--- renamed
ALTER POLICY by_tenant ON doc RENAME TO tenants_only;
--- switched off
ALTER TABLE doc DISABLE ROW LEVEL SECURITY;
--- for the owner too
ALTER TABLE doc FORCE ROW LEVEL SECURITY;
--- over another table
CREATE POLICY members ON doc FOR ALL TO authenticated USING (EXISTS
    (SELECT 1 FROM member AS m WHERE m.tenant = doc.tenant AND m.user_name = CURRENT_USER))
    WITH CHECK (tenant IN (SELECT m.tenant FROM member AS m WHERE m.role = 'admin'));
--- a comment
COMMENT ON POLICY by_tenant ON doc IS 'each their own';
--- the column under it retyped
-- old
-- new
DROP POLICY by_tenant ON doc;
ALTER TABLE doc ALTER tenant TYPE bigint;
CREATE POLICY by_tenant ON doc USING (tenant = tenant());
--- the function under it changed
-- old
-- new
DROP POLICY by_tenant ON doc;
DROP FUNCTION tenant();
CREATE FUNCTION tenant() RETURNS bigint LANGUAGE sql STABLE AS $$ SELECT current_setting('app.tenant', true)::bigint $$;
CREATE POLICY by_tenant ON doc USING (tenant = tenant());
--- none at all
DROP POLICY by_tenant ON doc;
DROP POLICY authors ON doc;
ALTER TABLE doc DISABLE ROW LEVEL SECURITY;
--- on each other's tables
ALTER TABLE member ENABLE ROW LEVEL SECURITY;
CREATE POLICY m ON member USING (EXISTS (SELECT FROM doc WHERE doc.tenant = member.tenant));
CREATE POLICY d ON doc USING (EXISTS (SELECT FROM member WHERE doc.tenant = member.tenant));
