-- Tenants, members and projects behind row level security, in the manner of Supabase.
--- profiles
CREATE SCHEMA auth AUTHORIZATION app_admin;
CREATE SCHEMA private;
CREATE TABLE auth.users (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), email text UNIQUE, raw_user_meta_data jsonb,
    created_at timestamptz DEFAULT now());
CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS $$ SELECT nullif(current_setting('request.jwt.claim.sub', true), '')::uuid $$;
GRANT USAGE ON SCHEMA auth TO anon, authenticated, service_role;
CREATE TABLE public.profiles (id uuid PRIMARY KEY REFERENCES auth.users ON DELETE CASCADE, username text UNIQUE, avatar_url text,
    updated_at timestamptz,
    CONSTRAINT username_length CHECK (char_length(username) >= 3));
ALTER TABLE public.profiles ENABLE ROW LEVEL SECURITY;
CREATE POLICY "Public profiles are viewable by everyone." ON public.profiles FOR SELECT USING (true);
CREATE POLICY "Users can update own profile." ON public.profiles FOR UPDATE USING (auth.uid() = id);
GRANT ALL ON public.profiles TO anon, authenticated, service_role;
--- a profile for every user
CREATE FUNCTION public.handle_new_user() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
    INSERT INTO public.profiles (id, avatar_url) VALUES (NEW.id, NEW.raw_user_meta_data ->> 'avatar_url');
    RETURN NEW;
END;
$$;
CREATE TRIGGER on_auth_user_created AFTER INSERT ON auth.users FOR EACH ROW EXECUTE PROCEDURE public.handle_new_user();
--- organisations
CREATE TYPE public.org_role AS ENUM ('owner', 'member');
CREATE TABLE public.organizations (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text NOT NULL, slug text UNIQUE NOT NULL,
    plan text DEFAULT 'free');
CREATE TABLE public.members (org_id uuid REFERENCES public.organizations ON DELETE CASCADE, user_id uuid REFERENCES auth.users ON DELETE CASCADE,
    role public.org_role DEFAULT 'member' NOT NULL, PRIMARY KEY (org_id, user_id));
ALTER TABLE public.organizations ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.members ENABLE ROW LEVEL SECURITY;
CREATE FUNCTION private.is_member(org uuid) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
    SELECT EXISTS (SELECT 1 FROM public.members WHERE org_id = org AND user_id = (SELECT auth.uid()))
$$;
REVOKE ALL ON FUNCTION private.is_member(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION private.is_member(uuid) TO authenticated;
CREATE POLICY members_see_org ON public.organizations FOR SELECT TO authenticated USING (private.is_member(id));
CREATE POLICY members_see_members ON public.members FOR SELECT TO authenticated USING (private.is_member(org_id));
--- projects and tasks
CREATE TYPE public.task_state AS ENUM ('todo', 'doing', 'done');
CREATE TABLE public.projects (id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    org_id uuid NOT NULL REFERENCES public.organizations ON DELETE CASCADE, name text NOT NULL,
    settings jsonb DEFAULT '{}'::jsonb NOT NULL);
CREATE TABLE public.tasks (id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    project_id bigint NOT NULL REFERENCES public.projects ON DELETE CASCADE, title text NOT NULL,
    state public.task_state DEFAULT 'todo', due date, assignee uuid REFERENCES auth.users);
CREATE INDEX ON public.projects (org_id);
CREATE INDEX ON public.tasks (project_id, state);
ALTER TABLE public.projects ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.tasks ENABLE ROW LEVEL SECURITY;
CREATE POLICY project_access ON public.projects TO authenticated USING (private.is_member(org_id)) WITH CHECK (private.is_member(org_id));
CREATE POLICY task_access ON public.tasks TO authenticated
    USING (EXISTS (SELECT 1 FROM public.projects p WHERE p.id = tasks.project_id AND private.is_member(p.org_id)));
--- more states and roles
ALTER TYPE public.task_state ADD VALUE 'blocked' AFTER 'doing';
ALTER TYPE public.org_role ADD VALUE 'admin' BEFORE 'member';
ALTER TYPE public.org_role ADD VALUE 'guest';
--- a board
CREATE VIEW public.board WITH (security_invoker = true) AS
    SELECT t.id, t.title, t.state, p.name AS project, pr.username AS assignee
      FROM public.tasks t JOIN public.projects p ON p.id = t.project_id LEFT JOIN public.profiles pr ON pr.id = t.assignee;
GRANT SELECT ON public.board TO authenticated;
CREATE FUNCTION public.tasks_due(within interval DEFAULT '7 days') RETURNS SETOF public.tasks LANGUAGE sql STABLE AS $$
    SELECT * FROM public.tasks WHERE due < now() + within AND state <> 'done' ORDER BY due
$$;
--- roles decide
CREATE FUNCTION private.role_in(org uuid) RETURNS public.org_role LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
    SELECT role FROM public.members WHERE org_id = org AND user_id = (SELECT auth.uid())
$$;
CREATE POLICY admins_change_org ON public.organizations FOR UPDATE TO authenticated
    USING (private.role_in(id) IN ('owner', 'admin')) WITH CHECK (private.role_in(id) IN ('owner', 'admin'));
ALTER TABLE public.organizations ADD COLUMN owner_id uuid REFERENCES auth.users, ADD CONSTRAINT plan_known CHECK (plan IN ('free', 'pro', 'team'));
--- realtime
CREATE PUBLICATION realtime FOR TABLE public.tasks, public.projects;
ALTER TABLE public.tasks REPLICA IDENTITY FULL;
--- the board shows more
DROP VIEW public.board;
CREATE VIEW public.board WITH (security_invoker = true) AS
    SELECT p.org_id, t.id, t.title, t.state::text AS state, t.due, p.name AS project, pr.username AS assignee
      FROM public.tasks t JOIN public.projects p ON p.id = t.project_id LEFT JOIN public.profiles pr ON pr.id = t.assignee;
GRANT SELECT ON public.board TO authenticated, service_role;
COMMENT ON VIEW public.board IS '@graphql({"primary_key_columns": ["id"]})';
ALTER TABLE public.tasks ADD COLUMN position double precision DEFAULT 0 NOT NULL, ADD COLUMN tags text[] DEFAULT '{}' NOT NULL;
CREATE INDEX tasks_tags ON public.tasks USING gin (tags);
--- audit
CREATE TABLE private.audit (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz DEFAULT now(), who uuid DEFAULT auth.uid(),
    table_name text, old jsonb, new jsonb);
CREATE FUNCTION private.audit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
    INSERT INTO private.audit (table_name, old, new) VALUES (TG_TABLE_NAME, to_jsonb(OLD), to_jsonb(NEW));
    RETURN NULL;
END $$;
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON public.tasks FOR EACH ROW EXECUTE FUNCTION private.audit();
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON public.projects FOR EACH ROW EXECUTE FUNCTION private.audit();
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO anon;
--- locked down
DROP POLICY "Public profiles are viewable by everyone." ON public.profiles;
CREATE POLICY "Members see each other." ON public.profiles FOR SELECT TO authenticated USING (EXISTS (
    SELECT 1 FROM public.members a JOIN public.members b USING (org_id) WHERE a.user_id = profiles.id AND b.user_id = auth.uid()));
REVOKE ALL ON public.profiles FROM anon;
CREATE OR REPLACE FUNCTION public.handle_new_user() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
    INSERT INTO public.profiles (id, username, avatar_url) VALUES (NEW.id, split_part(NEW.email, '@', 1), NEW.raw_user_meta_data ->> 'avatar_url');
    RETURN NEW;
END;
$$;
