"""What there is: tables with columns as in the CSV files, keys, checks, indexes; beside them other kinds."""

from __future__ import annotations

SCHEMA = "flights"
CREW = "crew"
OWNER = "flights_owner"

COLUMNS: dict[str, tuple[str, ...]] = {
    "airlines": ("carrier", "name"),
    "airports": ("faa", "name", "lat", "lon", "alt", "tz", "dst", "tzone"),
    "planes": ("tailnum", "year", "type", "manufacturer", "model", "engines", "seats", "speed", "engine"),
    "weather": (
        "origin", "year", "month", "day", "hour", "temp", "dewp", "humid", "wind_dir", "wind_speed",
        "wind_gust", "precip", "pressure", "visib", "time_hour",
    ),
    "flights": (
        "year", "month", "day", "dep_time", "sched_dep_time", "dep_delay", "arr_time", "sched_arr_time",
        "arr_delay", "carrier", "flight", "tailnum", "origin", "dest", "air_time", "distance", "hour",
        "minute", "time_hour",
    ),
}  # fmt: skip

TABLES = (
    "CREATE TABLE flights.airlines (carrier text, name text NOT NULL)",
    """CREATE TABLE flights.airports (
        faa text, name text NOT NULL, lat double precision NOT NULL, lon double precision NOT NULL,
        alt integer, tz smallint, dst text, tzone text)""",
    """CREATE TABLE flights.planes (
        tailnum text, year smallint, type text, manufacturer text, model text, engines smallint,
        seats integer, speed integer, engine text)""",
    """CREATE TABLE flights.weather (
        origin text, year smallint NOT NULL, month smallint NOT NULL, day smallint NOT NULL,
        hour smallint NOT NULL, temp numeric, dewp numeric, humid numeric, wind_dir integer,
        wind_speed double precision,
        wind_gust double precision, precip numeric, pressure numeric, visib numeric,
        time_hour timestamptz)""",
    """CREATE TABLE flights.flights (
        id bigint GENERATED ALWAYS AS IDENTITY, year smallint NOT NULL, month smallint NOT NULL,
        day smallint NOT NULL, dep_time smallint, sched_dep_time smallint NOT NULL, dep_delay smallint,
        arr_time smallint, sched_arr_time smallint NOT NULL, arr_delay smallint, carrier text NOT NULL,
        flight integer NOT NULL, tailnum text, origin text NOT NULL, dest text NOT NULL,
        air_time smallint, distance integer NOT NULL,
        hour smallint NOT NULL, minute smallint NOT NULL, time_hour timestamptz NOT NULL)""",
)

KEYS = (
    "ALTER TABLE flights.airlines ADD CONSTRAINT airlines_pkey PRIMARY KEY (carrier)",
    "ALTER TABLE flights.airports ADD CONSTRAINT airports_pkey PRIMARY KEY (faa)",
    "ALTER TABLE flights.planes ADD CONSTRAINT planes_pkey PRIMARY KEY (tailnum),"
    " ADD CONSTRAINT planes_seats_check CHECK (seats > 0)",
    "ALTER TABLE flights.weather ADD CONSTRAINT weather_pkey PRIMARY KEY (origin, time_hour),"
    " ADD CONSTRAINT weather_origin_fkey FOREIGN KEY (origin) REFERENCES flights.airports (faa)",
    "CREATE INDEX weather_time_hour_idx ON flights.weather (time_hour)",
    "ALTER TABLE flights.flights ADD CONSTRAINT flights_pkey PRIMARY KEY (id),"
    " ADD CONSTRAINT flights_departure_key UNIQUE (time_hour, carrier, flight, origin),"
    " ADD CONSTRAINT flights_carrier_fkey FOREIGN KEY (carrier) REFERENCES flights.airlines (carrier),"
    " ADD CONSTRAINT flights_origin_fkey FOREIGN KEY (origin) REFERENCES flights.airports (faa),"
    " ADD CONSTRAINT flights_distance_check CHECK (distance > 0)",
    "COMMENT ON TABLE flights.airlines IS 'Carrier codes and names'",
    "GRANT SELECT ON ALL TABLES IN SCHEMA flights TO flights_reader",
)

# Objects of other kinds, in a schema of their own.
OTHERS = (
    "CREATE TYPE crew.rank AS ENUM ('captain', 'first officer', 'purser')",
    "CREATE TABLE crew.members (name text PRIMARY KEY, rank crew.rank NOT NULL, tailnum text, hours numeric)",
    "CREATE VIEW crew.pilots AS SELECT name, hours FROM crew.members WHERE rank <> 'purser'",
    "CREATE FUNCTION crew.is_rested(hours numeric) RETURNS boolean LANGUAGE sql IMMUTABLE AS '"
    "SELECT hours <= 60'",
    "CREATE VIEW crew.rested AS SELECT name FROM crew.pilots WHERE crew.is_rested(hours)",
    "ALTER TABLE crew.members ENABLE ROW LEVEL SECURITY",
    "CREATE POLICY own_row ON crew.members USING (name = CURRENT_USER)",
    "GRANT USAGE ON SCHEMA crew TO flights_reader",
    "GRANT SELECT ON crew.rested TO flights_reader",
)
