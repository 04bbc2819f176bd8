"""An online shop: its tables, what its sessions run, and the indexes an expert would give it."""

from __future__ import annotations

from dataclasses import dataclass

from support.database import Database

OWNER = "shop_owner"
APP = "shop_app"
ROWS = {
    "customers": 100_000, "products": 40_000, "orders": 300_000, "order_items": 800_000, "reviews": 150_000,
    "sessions": 100_000, "events": 400_000, "carts": 50_000, "cart_items": 150_000, "wishlists": 40_000,
    "wishlist_items": 160_000, "shipments": 200_000, "refunds": 100_000,
    "tickets": 30_000,
}  # fmt: skip

# Keys fall off towards high numbers: the first hundredth of the customers have a tenth of the orders.
TABLES = {
    "customers": (
        "id int PRIMARY KEY, email text, name text, phone text, country text, created_at timestamp,"
        " last_login timestamp, profile jsonb",
        "n, 'User' || n || '@Example.com', 'Name ' || md5(n::text), '+43' || (n * 7919 % 1000003),"
        " (ARRAY['at', 'de', 'ch', 'fr', 'it', 'nl', 'pl', 'se'])[1 + floor(random() ^ 2 * 8)],"
        " '2025-01-01'::timestamp + random() * interval '365 days', '2026-01-01',"
        " jsonb_build_object('referrer', 'site' || floor(random() * 2000), 'tier', n % 3)",
    ),
    "products": (
        "id int PRIMARY KEY, sku text, name text, category_id int, price numeric(10,2), stock int,"
        " active boolean, attributes jsonb",
        "n, 'SKU-' || n, 'Product ' || n || ' ' || md5(n::text), floor(random() ^ 2 * 200),"
        " round((random() * 500)::numeric, 2), floor(random() * 1000), random() < 0.8,"
        " jsonb_build_object('brand', 'brand' || floor(random() * 800), 'weight', n % 50)",
    ),
    "orders": (
        "id int PRIMARY KEY, customer_id int REFERENCES shop.customers, status text, total numeric(10,2),"
        " coupon text, created_at timestamp",
        "n, 1 + floor(random() ^ 2 * 100000), CASE WHEN n % 400 = 0 THEN 'pending' WHEN n % 30 = 0"
        " THEN 'returned' ELSE 'shipped' END, round((random() * random() * 2000)::numeric, 2),"
        " CASE WHEN n % 25 = 0 THEN 'C' || floor(random() * 3000) END,"
        " '2025-01-01'::timestamp + n * interval '105 s'",
    ),
    "order_items": (
        "id int PRIMARY KEY, order_id int REFERENCES shop.orders,"
        " product_id int REFERENCES shop.products, quantity int, price numeric(10,2)",
        "n, 1 + n * 3 / 8 % 300000, 1 + floor(random() ^ 2 * 40000), 1 + n % 4, n % 900",
    ),
    "reviews": (
        "id int PRIMARY KEY, product_id int REFERENCES shop.products,"
        " customer_id int REFERENCES shop.customers, rating int, created_at timestamp, body text",
        "n, 1 + floor(random() ^ 2 * 40000), 1 + floor(random() * 100000), 1 + n % 5,"
        " '2025-01-01'::timestamp + random() * interval '365 days', md5(n::text) || md5('b' || n)",
    ),
    "sessions": (
        "id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, token text, customer_id int,"
        " expires_at timestamp",
        "md5('t' || n), 1 + floor(random() * 100000), '2026-01-01'::timestamp + n * interval '1 s'",
    ),
    "events": (
        "id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer_id int, kind text, at timestamp,"
        " payload jsonb",
        "1 + floor(random() ^ 2 * 100000), 'kind' || floor(random() ^ 3 * 40),"
        " '2025-01-01'::timestamp + n * interval '79 s', jsonb_build_object('page', n % 5000)",
    ),
    "carts": ("id int PRIMARY KEY, customer_id int", "n, n"),
    "cart_items": (
        "id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, cart_id int, product_id int, quantity int",
        "1 + n % 50000, 1 + floor(random() ^ 2 * 40000), 1 + n % 3",
    ),
    "wishlists": ("id int PRIMARY KEY, customer_id int", "n, n * 2"),
    "wishlist_items": (
        "id int PRIMARY KEY, wishlist_id int REFERENCES shop.wishlists ON DELETE CASCADE, product_id int",
        "n, 1 + n % 40000, 1 + n % 39999",
    ),
    "shipments": (
        "id int PRIMARY KEY, order_id int REFERENCES shop.orders, carrier text, status text,"
        " shipped_at timestamp",
        "n, 1 + n % 300000, 'carrier' || floor(random() ^ 2 * 12), CASE WHEN n % 200 = 0 THEN 'late'"
        " ELSE 'delivered' END, '2025-01-01'::timestamp + random() * interval '365 days'",
    ),
    # Closed is before opened for none but the last few: the planner believes it of a third.
    "tickets": (
        "id int PRIMARY KEY, opened_at timestamp, closed_at timestamp, note text",
        "n, '2025-01-01'::timestamp + (n * 7919::bigint % 30011) * interval '300 s', '2025-01-01'::timestamp"
        " + (n * 7919::bigint % 30011) * interval '300 s' + CASE WHEN n * 7919::bigint % 30011 > 29990"
        " THEN -1 ELSE 1 END"
        " * interval '1 day', md5(n::text)",
    ),
    "refunds": (
        "id int PRIMARY KEY, order_id int REFERENCES shop.orders, amount numeric(10,2), reason text",
        "n, 1 + floor(random() * 300000), n % 500, md5(n::text)",
    ),
}


@dataclass(frozen=True)
class Shape:
    """One statement of the shop: how often it runs of a thousand, before and after the shift."""

    name: str
    before: int
    after: int
    values: str
    statement: str


def _shape(name: str, before: int, after: int, values: str, statement: str) -> Shape:
    return Shape(name, before, after, values, statement)


_C = "c = zipf(100000)"
_P = "p = zipf(40000)"
SHAPES = [
    _shape("customer", 80, 80, _C, "SELECT name, country, last_login FROM shop.customers WHERE id = :c"),
    _shape("login", 60, 60, _C, "SELECT id, name FROM shop.customers"
           " WHERE lower(email) = lower('user' || :c || '@example.com')"),
    _shape("orders of a customer", 90, 90, _C, "SELECT id, status, total FROM shop.orders"
           " WHERE customer_id = :c ORDER BY created_at DESC LIMIT 10"),
    _shape("items of an order", 80, 80, "o = zipf(300000)",
           "SELECT i.quantity, i.price, p.name FROM shop.order_items AS i"
           " JOIN shop.products AS p ON p.id = i.product_id WHERE i.order_id = :o"),
    _shape("product by number", 70, 0, _P,
           "SELECT id, name, price, stock FROM shop.products WHERE sku = 'SKU-' || :p"),
    _shape("category", 50, 0, "k = uniform(199)", "SELECT id, name, price FROM shop.products"
           " WHERE category_id = :k AND active ORDER BY price LIMIT 20"),
    _shape("brand", 30, 0, "b = uniform(799)", "SELECT id, name FROM shop.products"
           " WHERE attributes ->> 'brand' = 'brand' || :b ORDER BY price LIMIT 20"),
    _shape("search", 10, 0, _P, "SELECT id, name FROM shop.products WHERE name ILIKE '%' || md5(:p) || '%'"),
    _shape("reviews of a product", 60, 0, _P, "SELECT rating, body FROM shop.reviews"
           " WHERE product_id = :p ORDER BY created_at DESC LIMIT 10"),
    _shape("session", 90, 90, "s = uniform(100000)",
           "SELECT customer_id, expires_at FROM shop.sessions WHERE token = md5('t' || :s)"),
    _shape("to be shipped", 30, 30, "", "SELECT id, customer_id, total FROM shop.orders"
           " WHERE status = 'pending' ORDER BY created_at LIMIT 20"),
    _shape("last events", 40, 0, _C, "SELECT kind, at FROM shop.events"
           " WHERE customer_id = :c AND at > '2025-06-01' ORDER BY at DESC LIMIT 20"),
    _shape("a day's sales", 4, 0, "d = uniform(364)", "SELECT count(*), sum(total) FROM shop.orders"
           " WHERE date_trunc('day', created_at) = timestamp '2025-01-01' + :d * interval '1 day'"),
    _shape("sold of a product", 20, 0, _P,
           "SELECT sum(quantity) FROM shop.order_items WHERE product_id = :p"),
    _shape("cart", 60, 0, "r = zipf(50000)", "SELECT p.name, p.price, t.quantity FROM shop.cart_items AS t"
           " JOIN shop.products AS p ON p.id = t.product_id WHERE t.cart_id = :r"),
    _shape("newest of a country", 15, 0, "", "SELECT id, name FROM shop.customers"
           " WHERE country = 'se' ORDER BY created_at DESC LIMIT 10"),
    _shape("low stock", 2, 2, "", "SELECT id, stock FROM shop.products WHERE stock < 3 AND active"),
    # What the planner thinks cheap with an index on opened_at, and is not.
    _shape("misdated tickets", 4, 4, "",
           "SELECT id, note FROM shop.tickets WHERE closed_at < opened_at ORDER BY opened_at LIMIT 5"),
    _shape("wishlist given up", 8, 8, "w = uniform(40000)", "DELETE FROM shop.wishlists WHERE id = :w"),
    _shape("session begun", 40, 40, _C, "INSERT INTO shop.sessions (token, customer_id, expires_at)"
           " VALUES (md5(random()::text), :c, localtimestamp + interval '1 day')"),
    _shape("session over", 20, 20, "s = uniform(100000)",
           "DELETE FROM shop.sessions WHERE token = md5('t' || :s)"),
    _shape("event", 60, 60, _C, "INSERT INTO shop.events (customer_id, kind, at, payload)"
           " VALUES (:c, 'kind1', localtimestamp, '{\"page\": 1}')"),
    _shape("into the cart", 30, 10, "r = zipf(50000); p = zipf(40000)",
           "INSERT INTO shop.cart_items (cart_id, product_id, quantity)"
           " VALUES (:r, :p, 1)"),
    _shape("order shipped", 25, 25, "o = uniform(300000)",
           "UPDATE shop.orders SET status = 'shipped' WHERE id = :o"),
    _shape("stock taken", 50, 50, _P, "UPDATE shop.products SET stock = stock - 1 WHERE id = :p"),
    _shape("logged in", 40, 40, _C, "UPDATE shop.customers SET last_login = localtimestamp WHERE id = :c"),
    _shape("refunds of an order", 0, 80, "o = zipf(300000)",
           "SELECT amount, reason FROM shop.refunds WHERE order_id = :o"),
    _shape("orders with a coupon", 0, 40, "u = uniform(2999)",
           "SELECT id, total FROM shop.orders WHERE coupon = 'C' || :u"),
    _shape("customer by phone", 0, 60, _C,
           "SELECT id, name FROM shop.customers WHERE phone = '+43' || (:c * 7919 % 1000003)"),
    _shape("late shipments", 0, 40, "k = uniform(11)", "SELECT id, order_id FROM shop.shipments"
           " WHERE status = 'late' AND carrier = 'carrier' || :k ORDER BY shipped_at DESC LIMIT 20"),
    _shape("reviews by a customer", 0, 60, _C, "SELECT product_id, rating FROM shop.reviews"
           " WHERE customer_id = :c ORDER BY created_at DESC LIMIT 10"),
    _shape("events of a kind", 0, 20, "k = uniform(39)", "SELECT customer_id, at FROM shop.events"
           " WHERE kind = 'kind' || :k ORDER BY at DESC LIMIT 50"),
    _shape("largest orders", 0, 20, "",
           "SELECT id, customer_id, total FROM shop.orders ORDER BY total DESC LIMIT 20"),
    _shape("customers of a referrer", 0, 20, "k = uniform(1999)", "SELECT id, name FROM shop.customers"
           " WHERE profile ->> 'referrer' = 'site' || :k"),
]  # fmt: skip

# Written from the statements and the tables, without asking the extension.
_ALWAYS = [
    "customers (lower(email))",
    "orders (customer_id, created_at DESC)",
    "orders (created_at) WHERE status = 'pending'",
    "order_items (order_id)",
    "sessions (token)",
    "wishlist_items (wishlist_id)",
]
EXPERT = {
    "before": [
        *_ALWAYS,
        "products (sku)",
        "products (category_id, price) WHERE active",
        "products ((attributes ->> 'brand'), price)",
        "products USING gin (name gin_trgm_ops)",
        "reviews (product_id, created_at DESC)",
        "events (customer_id, at DESC)",
        "orders (date_trunc('day', created_at))",
        "order_items (product_id)",
        "cart_items (cart_id)",
        "customers (country, created_at DESC)",
    ],
    "after": [
        *_ALWAYS,
        "refunds (order_id)",
        "orders (coupon) WHERE coupon IS NOT NULL",
        "customers (phone)",
        "shipments (carrier, shipped_at DESC) WHERE status = 'late'",
        "reviews (customer_id, created_at DESC)",
        "events (kind, at DESC)",
        "orders (total DESC)",
        "customers ((profile ->> 'referrer'))",
    ],
}


def make(db: Database) -> None:
    """Fill an empty database; the same rows every time."""
    db.sql(f"CREATE SCHEMA shop AUTHORIZATION {OWNER}")
    db.sql("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    with db.connect() as connection:
        connection.execute("SELECT setseed(0.203), set_config('synchronous_commit', 'off', false)")
        connection.execute(f"SET ROLE {OWNER}".encode())
        for table, (columns, _) in TABLES.items():
            connection.execute(f"CREATE TABLE shop.{table} ({columns})".encode())
        connection.execute("RESET ROLE")
        # The rows fit together: their keys need not be looked up one by one.
        connection.execute("SET session_replication_role = replica")
        for table, (columns, values) in TABLES.items():
            names = ", ".join(part.split()[0] for part in columns.split(", ") if "IDENTITY" not in part)
            connection.execute(
                f"INSERT INTO shop.{table} ({names}) SELECT {values}"
                f" FROM generate_series(1, {ROWS[table]}) AS n".encode()
            )
    db.sql(f"GRANT USAGE ON SCHEMA shop TO {APP}")
    db.sql(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA shop TO {APP}")
    db.sql("VACUUM ANALYZE")


def index(db: Database, definitions: list[str]) -> None:
    for definition in definitions:
        db.sql(f"CREATE INDEX ON shop.{definition}")
    db.sql("ANALYZE")
