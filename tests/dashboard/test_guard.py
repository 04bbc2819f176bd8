"""Who may ask for what: hosts, origins, tokens, sizes, paths, logins."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support import database
from support.cluster import Cluster
from support.dashboard import PAGE, TOKEN, Browser, Site
from support.database import Database
from support.pulse import make_actor, make_table

from .conftest import Look, MakeSite

READS = ("/api/metrics", "/api/explain?score=shm", "/api/events")


@pytest.fixture(scope="module")
def shared(server: Cluster, template: str, files: Path) -> Iterator[tuple[Database, Site]]:
    """A page for a reader that allows actions: what can be refused is; and its database."""
    made = database.create(server, template)
    reader = made.dsn_of(made.role("reader", member_of=("asymm_reader",)))
    site = Site(reader, files, allow_actions=True, names=frozenset({"db.example"}))
    yield made, site
    site.close()
    made.drop()


@pytest.fixture
def site(shared: tuple[Database, Site]) -> Site:
    return shared[1]


def operator(db: Database, owner: str) -> str:
    """Return a login that may decide about the owner's objects."""
    return db.dsn_of(db.role("operator", member_of=("asymm_operator", owner)))


def test_other_hosts_are_refused(site: Site) -> None:
    for host in ("evil.example", "localhost.evil.example", "10.0.0.1", "", "localhost@evil.example", "[::1",
                 "0.0.0.0", "db.example.evil"):  # fmt: skip
        for path in ("/", *READS, "/api/heal"):
            body = b"{}" if path == "/api/heal" else None
            answer = site.ask(path, body, token=TOKEN, headers={"Host": host})
            assert answer.status in ((403,) if host else (400, 403)), (host, path)
    for host in ("localhost", "LOCALHOST:1", "127.0.0.1:9", "[::1]:8765", "127.9.9.9", "DB.example:443"):
        assert site.ask("/api/metrics", headers={"Host": host}).status == 200, host


def test_other_sites_are_refused(site: Site) -> None:
    here, foreign = f"http://127.0.0.1:{site.port}", "http://evil.example"
    for origin, fetch in (
        (foreign, ""), ("null", ""), ("http://127.0.0.1", ""), ("", "cross-site"),
        ("", "same-site"), (here, "cross-site"), (foreign, "same-origin"),
    ):  # fmt: skip
        headers = {"Origin": origin, "Sec-Fetch-Site": fetch}
        assert site.ask("/api/actions/1/approve", {}, token=TOKEN, headers=headers).status == 403, headers
        assert site.ask("/api/metrics", headers=headers).status == 403, headers
    # Something in front may have the TLS.
    for origin in (here, here.replace("http", "https")):
        headers = {"Origin": origin, "Sec-Fetch-Site": "same-origin"}
        assert site.ask("/api/metrics", headers=headers).status == 200


def test_without_the_token_nothing_is_decided(site: Site) -> None:
    for token in (None, "", "wrong", TOKEN[:-1], TOKEN + "x", "ü", f"{TOKEN} {TOKEN}"):
        for path in ("/api/actions/1/approve", "/api/actions/1/reject", "/api/actions/1/revert", "/api/heal"):
            answer = site.ask(path, {"target": "app.item", "dry_run": False}, token=token)
            assert answer.status == 401, (token, path)
            assert answer.headers["WWW-Authenticate"] == "Bearer"
    # By the address it is no token either.
    assert site.ask(f"/api/heal?token={TOKEN}", {"target": "x", "dry_run": True}).status == 401


def test_elsewhere_reading_needs_the_token_too(db: Database, make_site: MakeSite) -> None:
    site = make_site(db.dsn, host="10.1.2.3")
    for path in READS:
        assert site.ask(path, headers={"Host": "10.1.2.3"}).status == 401
        assert site.ask(path, token="wrong", headers={"Host": "10.1.2.3"}).status == 401
    assert site.ask("/api/metrics", token=TOKEN, headers={"Host": "10.1.2.3"}).status == 200
    assert site.ask("/").body == PAGE
    assert site.ask("/", headers={"Host": "evil.example"}).status == 403


def test_only_to_look_unless_told_otherwise(db: Database, make_site: MakeSite, look: Look) -> None:
    _, owner = make_actor(db)
    make_table(db, owner)
    site = make_site(operator(db, owner))
    answer = site.ask("/api/heal", {"target": "app.item", "dry_run": True}, token=TOKEN)
    assert (answer.status, answer.json["hint"]) == (403, "asymmetrica dashboard --allow-actions")
    assert look(site, token=TOKEN).wait_for_tiles().state["me"]["actions"] is False


def test_decisions_are_posts(site: Site) -> None:
    for method in ("GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
        for path in ("/api/actions/1/approve", "/api/heal"):
            answer = site.ask(path, method=method, token=TOKEN)
            assert answer.status == 405, method
            assert answer.headers["Allow"] in ("POST", None)
        if method not in ("GET", "HEAD"):
            assert site.ask("/api/metrics", method=method, token=TOKEN).status == 405, method


def test_a_body_is_small_json(site: Site) -> None:
    def status(body: bytes, **headers: str) -> int:
        return site.ask("/api/heal", body, token=TOKEN, headers=headers).status

    assert status(b"x" * 20000) == 413
    # Chunked, so that no length is said beforehand.
    chunks = b"".join(b"1000\r\n" + b" " * 0x1000 + b"\r\n" for _ in range(8)) + b"0\r\n\r\n"
    assert status(chunks, **{"Transfer-Encoding": "chunked"}) == 413
    for body in (b"{", b"[]", b"1", b"", b"\xff", b"[" * 9000, b'{"target": 1, "dry_run": true}',
                 b'{"target": "x"}', b'{"target": "\\u0000", "dry_run": true}'):  # fmt: skip
        assert status(body) == 400, body
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        assert status(b'{"target": "x", "dry_run": true}', **{"Content-Type": kind}) == 415


def test_nothing_else_of_the_disk_is_served(site: Site) -> None:
    for path in (
        "..", "../__init__.py", "..%2f__init__.py", "%2e%2e/server.py", "/etc/passwd", "....//server.py",
        "..\\server.py", "parts", "", "%00", "parts/../../conftest.py", "%ff", "index.html/..",
    ):  # fmt: skip
        answer = site.ask(f"/static/{path}")
        assert (answer.status, answer.body) == (404, b""), path
    for path in ("/server.py", "/api/nothing", "/api", "//api/metrics", "/static/../api.py/"):
        assert site.ask(path).status == 404, path


def test_the_page_and_its_headers(site: Site) -> None:
    page = site.ask("/")
    assert (page.status, page.body, page.headers["Cache-Control"]) == (200, PAGE, "no-cache")
    script = site.ask("/static/app-0A1B2C3D.js", headers={"Accept-Encoding": "br, gzip"})
    assert script.headers["Content-Encoding"] == "gzip"
    assert script.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert "immutable" in script.headers["Cache-Control"]
    assert len(script.body) < len(site.ask("/static/app-0A1B2C3D.js").body)
    style = site.ask("/static/parts/plain.css")
    assert style.headers["Cache-Control"] == "no-cache"
    again = site.ask("/static/parts/plain.css", headers={"If-None-Match": style.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")
    for path in ("/", "/api/metrics", "/static/parts/plain.css", "/nothing", "/api/series"):
        headers = site.ask(path).headers
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert (
            headers["Cross-Origin-Resource-Policy"] == headers["Cross-Origin-Opener-Policy"] == "same-origin"
        )
        assert headers["Server"] is None
        assert headers["Access-Control-Allow-Origin"] is None
    assert site.ask("/api/metrics").headers["Cache-Control"] == "no-store"
    assert site.ask("/api/events", method="HEAD").headers["Content-Type"].startswith("text/event-stream")


def test_a_superuser_decides_nothing_unless_told(db: Database, make_site: MakeSite) -> None:
    _, owner = make_actor(db)
    make_table(db, owner)
    wanted = {"target": "app.item", "dry_run": True}
    refused = make_site(db.dsn, allow_actions=True).ask("/api/heal", wanted, token=TOKEN)
    assert refused.status == 403
    assert "superuser" in refused.json["message"]
    # Nor one that has put on another role.
    other = db.dsn_of("postgres", options=f"-c role={owner}")
    assert make_site(other, allow_actions=True).ask("/api/heal", wanted, token=TOKEN).status == 403
    assert make_site(db.dsn, allow_actions=True, allow_superuser=True).ask(
        "/api/heal", wanted, token=TOKEN
    ).status == 200  # fmt: skip


def test_a_reader_sees_no_statement_and_decides_nothing(shared: tuple[Database, Site], look: Look) -> None:
    db, site = shared
    _, owner = make_actor(db)
    make_table(db, owner, "propose")
    secret = "a_constant_of_a_statement"
    db.sql(f"ALTER TABLE app.item DROP COLUMN label /* {secret} */")
    db.sql("SELECT asymm._process_ddl()")
    browser = look(site).wait_for_tiles()
    browser.wait(lambda it: it.rows("actions"))
    action = browser.rows("actions")[0]["id"]
    history = site.ask("/api/history?target=app.item").body.decode()
    shown = site.ask(f"/api/actions/{action}").body.decode()
    assert secret not in f"{browser.state}{history}{shown}"
    for verb in ("approve", "reject", "revert"):
        answer = site.ask(f"/api/actions/{action}/{verb}", {}, token=TOKEN)
        assert (answer.status, answer.json["sqlstate"]) == (403, "42501")
    assert site.ask("/api/heal", {"target": "app.item", "dry_run": False}, token=TOKEN).status == 403
    assert db.value("SELECT state FROM asymm.action WHERE id = %s", action) == "proposed"


def test_an_operator_decides_and_everybody_sees_it(db: Database, make_site: MakeSite, look: Look) -> None:
    _, owner = make_actor(db)
    make_table(db, owner, "propose")
    site = make_site(operator(db, owner), allow_actions=True)
    browser: Browser = look(site).wait_for_tiles()

    def post(path: str, body: dict[str, Any]) -> list[dict[str, Any]]:
        answer = site.ask(path, body, token=TOKEN, headers={"Origin": f"http://127.0.0.1:{site.port}"})
        assert answer.status == 200, answer.body
        return answer.dicts()

    db.sql("ALTER TABLE app.item DROP COLUMN label")
    db.sql("SELECT asymm._process_ddl()")
    browser.wait(lambda it: it.rows("actions"))
    action = browser.rows("actions")[0]["id"]
    assert post("/api/heal", {"target": "app.item", "dry_run": True})[0]["statement"].startswith(
        "ALTER TABLE"
    )
    assert db.value("SELECT count(*) FROM asymm.drift WHERE resolved_at IS NULL") == 1
    assert post(f"/api/actions/{action}/reject", {"reason": 'not "now" <b>'})[0]["state"] == "rejected"
    browser.wait(lambda it: it.rows("actions")[0]["state"] == "rejected")
    post("/api/heal", {"target": "app.item", "dry_run": False})
    browser.wait(lambda it: any(row["state"] == "verified" for row in it.rows("actions")))
    healed = next(row["id"] for row in browser.rows("actions") if row["state"] == "verified")
    document = site.ask(f"/api/actions/{healed}").json
    assert document["history"]["rows"]
    (told,) = document["action"]["rows"]
    assert told[document["action"]["columns"].index("statements")]
    assert post(f"/api/actions/{healed}/revert", {"dry_run": True})
    post(f"/api/actions/{healed}/revert", {"reason": "tried"})
    browser.wait(lambda it: any(row["state"] == "reverted" for row in it.rows("actions")))
    wrong = site.ask(f"/api/actions/{healed}/revert", {}, token=TOKEN)
    assert (wrong.status, wrong.json["sqlstate"]) == (409, "SY005")
    assert wrong.json["detail"]
    assert wrong.json["hint"]
    for path, status in (
        ("/api/actions/999999", 404), ("/api/actions/x", 404), ("/api/history", 400),
        ("/api/history?target=a.b", 404), ("/api/series?metric=score.shm&span=nonsense", 400),
        ("/api/series?metric=score.shm&span=1+day&bucket=1+min", 200),
    ):  # fmt: skip
        answer = site.ask(path)
        assert answer.status == status, (path, answer.body)
        assert status == 200 or set(answer.json) == {"sqlstate", "message", "detail", "hint"}


def test_nothing_secret_is_told(db: Database, make_site: MakeSite, look: Look) -> None:
    dsn = db.dsn + " password=a-secret-password"
    site = make_site(dsn, allow_actions=True)
    browser = look(site, token=TOKEN).wait_for_tiles()
    texts = [str(browser.state), *(site.ask(path, token=TOKEN).body.decode() for path in READS[:2])]
    db.sql("ALTER ROLE postgres SET statement_timeout = 0")
    texts.append(site.ask("/api/explain?score=" + "a-secret-password", token=TOKEN).body.decode())
    assert not re.search(f"a-secret-password|{TOKEN}", "".join(texts))


def test_no_request_of_http_confuses_it(site: Site) -> None:
    for sent in (b"\x16\x03\x01\x00\xa5nonsense\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n",
                 b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
                 b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
                 b"POST /api/heal HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n"):  # fmt: skip
        with socket.create_connection(("127.0.0.1", site.port), timeout=10) as raw:
            raw.sendall(sent)
            first = raw.recv(4096).split(b"\r\n")[0]
        assert re.match(rb"HTTP/1.1 4\d\d", first), (sent, first)
    assert site.ask("/").status == 200
