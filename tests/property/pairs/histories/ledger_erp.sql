-- Accounting as database people write it: domains, composite types, rules, checks, procedures, audit.
--- accounts
CREATE SCHEMA ledger;
CREATE DOMAIN ledger.account_no AS varchar(8) CHECK (VALUE ~ '^[0-9]{4,8}$');
CREATE DOMAIN ledger.amount AS numeric(14,2);
CREATE TYPE ledger.side AS ENUM ('debit', 'credit');
CREATE TABLE ledger.account (no ledger.account_no PRIMARY KEY, name text NOT NULL, parent ledger.account_no REFERENCES ledger.account,
    opened date DEFAULT CURRENT_DATE NOT NULL);
CREATE TABLE ledger.entry (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, booked date NOT NULL, text text);
CREATE TABLE ledger.line (entry_id bigint REFERENCES ledger.entry ON DELETE CASCADE, position smallint,
    account ledger.account_no NOT NULL REFERENCES ledger.account,
    side ledger.side NOT NULL, amount ledger.amount NOT NULL CHECK (amount > 0), PRIMARY KEY (entry_id, position));
--- balances
CREATE FUNCTION ledger.signed(s ledger.side, a ledger.amount)
    RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT CASE s WHEN 'debit' THEN a ELSE -a END $$;
CREATE VIEW ledger.balance AS SELECT l.account, sum(ledger.signed(l.side, l.amount)) AS balance FROM ledger.line AS l GROUP BY l.account;
CREATE VIEW ledger.trial AS SELECT a.no, a.name, COALESCE(b.balance,
    0) AS balance FROM ledger.account AS a LEFT JOIN ledger.balance AS b ON b.account = a.no ORDER BY a.no;
--- entries must balance
CREATE FUNCTION ledger.check_balance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT sum(ledger.signed(side, amount)) FROM ledger.line WHERE entry_id = NEW.entry_id) <> 0 THEN
        RAISE EXCEPTION 'entry % does not balance', NEW.entry_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER balanced AFTER INSERT OR UPDATE ON
    ledger.line DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger.check_balance();
CREATE RULE no_delete AS ON DELETE TO ledger.entry DO INSTEAD NOTHING;
--- currencies
CREATE TYPE ledger.money AS (amount numeric, currency char(3));
ALTER TABLE ledger.line ADD COLUMN original ledger.money;
CREATE FUNCTION ledger.convert(m ledger.money, rate numeric DEFAULT
    1) RETURNS ledger.amount LANGUAGE sql IMMUTABLE AS $$ SELECT round(m.amount * rate, 2)::ledger.amount $$;
CREATE TABLE ledger.rate (currency char(3), during daterange, rate numeric NOT NULL,
    CONSTRAINT one_rate EXCLUDE USING gist (during WITH &&) WHERE (currency = 'EUR'));
--- closing
CREATE TABLE ledger.period (year integer, month integer CHECK (month BETWEEN 1 AND 12), closed_at timestamptz, closed_by text DEFAULT CURRENT_USER,
    PRIMARY KEY (year, month));
CREATE PROCEDURE ledger.close_period(y integer, m integer) LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
BEGIN
    INSERT INTO period (year, month, closed_at) VALUES (y, m, now());
END $$;
REVOKE ALL ON PROCEDURE ledger.close_period(integer, integer) FROM PUBLIC;
GRANT EXECUTE ON PROCEDURE ledger.close_period(integer, integer) TO app_admin;
--- longer numbers, finer amounts
DROP VIEW ledger.trial, ledger.balance;
DROP FUNCTION ledger.convert(ledger.money, numeric);
DROP FUNCTION ledger.signed(ledger.side, ledger.amount);
ALTER TABLE ledger.line ALTER amount TYPE numeric(14,2);
DROP DOMAIN ledger.amount;
CREATE DOMAIN ledger.amount AS numeric(18,4);
ALTER TABLE ledger.line ALTER amount TYPE ledger.amount;
CREATE FUNCTION ledger.signed(s ledger.side, a ledger.amount)
    RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT CASE s WHEN 'debit' THEN a ELSE -a END $$;
CREATE FUNCTION ledger.convert(m ledger.money, rate numeric DEFAULT
    1) RETURNS ledger.amount LANGUAGE sql IMMUTABLE AS $$ SELECT round(m.amount * rate, 4)::ledger.amount $$;
CREATE VIEW ledger.balance AS SELECT l.account, sum(ledger.signed(l.side, l.amount)) AS balance FROM ledger.line AS l GROUP BY l.account;
CREATE VIEW ledger.trial AS SELECT a.no, a.name, COALESCE(b.balance,
    0) AS balance FROM ledger.account AS a LEFT JOIN ledger.balance AS b ON b.account = a.no ORDER BY a.no;
--- kinds of accounts
CREATE TYPE ledger.account_kind AS ENUM ('asset', 'liability', 'income', 'expense');
ALTER TABLE ledger.account ADD COLUMN kind ledger.account_kind DEFAULT 'asset' NOT NULL;
CREATE INDEX account_kind ON ledger.account (kind) WHERE kind IN ('income', 'expense');
CREATE OR REPLACE VIEW ledger.trial AS SELECT a.no, a.name, COALESCE(b.balance, 0) AS balance, a.kind
    FROM ledger.account AS a LEFT JOIN ledger.balance AS b ON b.account = a.no ORDER BY a.no;
--- who may what
ALTER SCHEMA ledger OWNER TO app_owner;
ALTER TABLE ledger.account OWNER TO app_owner;
ALTER TABLE ledger.entry OWNER TO app_owner;
ALTER TABLE ledger.line OWNER TO app_owner;
GRANT USAGE ON SCHEMA ledger TO app_user, app_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA ledger TO app_reader;
GRANT SELECT, INSERT ON ledger.entry, ledger.line TO app_user;
GRANT UPDATE (text) ON ledger.entry TO app_user;
ALTER DEFAULT PRIVILEGES FOR ROLE app_owner IN SCHEMA ledger GRANT SELECT ON TABLES TO app_reader;
--- the journal is an event log
CREATE FUNCTION ledger.log_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE LOG 'ddl %', tg_tag; END $$;
CREATE EVENT TRIGGER ledger_ddl ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'DROP TABLE') EXECUTE FUNCTION ledger.log_ddl();
ALTER EVENT TRIGGER ledger_ddl DISABLE;
DROP RULE no_delete ON ledger.entry;
CREATE RULE no_delete AS ON DELETE TO ledger.entry WHERE OLD.booked < '2024-01-01' DO INSTEAD NOTHING;
ALTER TABLE ledger.entry RENAME COLUMN text TO narrative;
--- reversed entries
ALTER TABLE ledger.entry ADD COLUMN reverses bigint UNIQUE REFERENCES ledger.entry DEFERRABLE, ADD CONSTRAINT not_itself CHECK (reverses <> id);
CREATE FUNCTION ledger.reverse(entry bigint) RETURNS bigint LANGUAGE sql BEGIN ATOMIC
    INSERT INTO ledger.entry (booked, narrative, reverses) SELECT CURRENT_DATE, 'reversal: ' || e.narrative,
        e.id FROM ledger.entry AS e WHERE e.id = entry RETURNING id;
END;
ALTER TYPE ledger.account_kind ADD VALUE 'equity' AFTER 'liability';
