"""Real receivers: what they get, and what their answers lead to."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

from support.cluster import wait_until
from support.receivers import Alertmanager, Receiver, Reply

from .conftest import SECRET, TOKEN, TRY_AGAIN, Alerts

STATE = "SELECT state, error, status FROM asymm.alert_destinations"
MESSAGES = "SELECT what, state, tries FROM asymm.alert_outbox WHERE tries > 0 ORDER BY id"


def test_a_webhook_is_signed_and_tried_until_it_arrives(alerts: Alerts, receiver: Receiver) -> None:
    alerts.hook(f"{receiver.url}/hook?a=b")
    alerts.db.sql("CREATE TABLE public.invoices (id int PRIMARY KEY, due_date date)")
    alerts.db.sql("SELECT asymm.watch('public.invoices', 'heal')")
    alerts.db.sql("ALTER TABLE public.invoices DROP COLUMN due_date")
    alerts.db.sql("SELECT asymm._process_ddl()")
    receiver.replies += [
        Reply(503, (("Retry-After", "120"),)),
        Reply(302, (("Location", f"{receiver.url}/elsewhere"),)),
    ]
    alerts.send()
    assert alerts.db.value("SELECT next_try_at > now() + interval '1 min' FROM asymm.alert_destinations")
    alerts.send()
    assert len(receiver.requests) == 1  # not before its time
    alerts.db.own.execute(TRY_AGAIN.encode())
    alerts.send()
    assert alerts.db.sql(STATE) == [("failing", "HTTP 302 (redirects are not followed)", 302)]
    alerts.db.own.execute(TRY_AGAIN.encode())
    alerts.send()
    assert alerts.db.sql(STATE) == [("ok", None, 200)]
    alerts.db.sql("SELECT asymm.heal('public.invoices')")
    alerts.send()
    assert alerts.db.sql(MESSAGES) == [("opened", "sent", 3), ("resolved", "sent", 1)]
    texts = [request.json["text"] for request in receiver.requests]
    assert texts[0].startswith("public.invoices: column due_date is gone (postgres")
    assert texts[-1].startswith("Schema synced: public.invoices.due_date restored in ")
    assert texts[-1].endswith(" s, schema health +100 %")
    # A message that comes again is the same one, to the letter.
    assert (
        len({(r.body, r.headers["webhook-id"], r.headers["Idempotency-Key"]) for r in receiver.requests[:3]})
        == 1
    )
    assert {request.path for request in receiver.requests} == {"/hook?a=b"}
    for request in receiver.requests:
        told = (
            f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
        )
        signed = hmac.digest(base64.b64decode(SECRET.removeprefix("whsec_")), told, hashlib.sha256)
        assert request.headers["webhook-signature"] == "v1," + base64.b64encode(signed).decode()


def test_what_is_due_together_is_one_message(alerts: Alerts, receiver: Receiver) -> None:
    alerts.hook(receiver.url)
    for number in range(120):
        alerts.find(f"k{number}", "critical" if number == 77 else "warning", f"query:{number}")
    alerts.over("k3")  # is not told at all: it was over before
    alerts.send()
    first, second = (request.json for request in receiver.requests)
    assert (len(first["alerts"]), len(second["alerts"])) == (100, 19)
    assert first["alerts"][0]["about"] == "query 77"
    assert first["text"].endswith("… and 95 more: SELECT * FROM asymm.alerts")
    assert alerts.states() == {"sent": 119, "skipped": 2}
    alerts.db.sql("SELECT asymm._close_findings('ux', '{}')")
    alerts.send()
    assert [request.json["what"] for request in receiver.requests[2:]] == ["resolved", "resolved"]
    assert alerts.db.value("SELECT sent FROM asymm.alert_destinations") == 4


def test_nobody_answers(alerts: Alerts, receiver: Receiver) -> None:
    """Escalated to others after a while, unless somebody sees to it."""
    db = alerts.db
    alerts.hook(receiver.url)
    db.sql(
        "SELECT asymm.set_alert_destination('boss', 'webhook', %s, 'ASYMMETRICA_ALERT_HOOK')",
        f"{receiver.url}/boss",
    )
    alerts.on("all", "{hook}", ", escalate_after => '1 min', escalate_to => '{boss}'")
    alerts.find("a", node="query:1")
    alerts.find("b", node="query:2")
    db.sql("SELECT asymm.acknowledge(id) FROM asymm.alerts WHERE about = 'query 1'")
    ago = "interval '2 min'"
    db.sql(f"UPDATE asymm.alert SET escalate_at = escalate_at - {ago}, opened_at = opened_at - {ago}")
    alerts.send()
    assert sorted(r.path for r in receiver.requests) == ["/", "/boss"]
    [told] = [request.json for request in receiver.requests if request.path == "/boss"]
    assert told["text"] == "Nobody answered for 2 min: query 2: is slow"
    db.sql("SELECT asymm._close_findings('ux', '{}')")
    alerts.send()
    # Those are told that it is over who were told that it is so.
    over = {request.path: len(request.json["alerts"]) for request in receiver.requests[2:]}
    assert over == {"/": 2, "/boss": 1}


# As Meta's documentation and its replies have them.
def _error(code: int, title: str) -> dict[str, Any]:
    details = {"messaging_product": "whatsapp", "details": title}
    said = {"message": f"(#{code}) {title}", "type": "OAuthException", "code": code, "fbtrace_id": "Az8"}
    return {"error": said | {"error_data": details}}


ACCEPTED = {
    "messaging_product": "whatsapp",
    "contacts": [{"input": "+4915112345678", "wa_id": "4915112345678"}],
    "messages": [{"id": "wamid.HBgNNDkxNTExMjM0NTY3OBUCABEYEjA", "message_status": "accepted"}],
}
REPLIES = (
    (Reply(400, json=_error(130429, "Rate limit hit")), "waiting", 0),
    (Reply(400, json=_error(131056, "Pair rate limit hit")), "waiting", 0),
    (Reply(500, json=_error(131000, "Something went wrong")), "waiting", 0),
    (Reply(503), "waiting", 0),
    (Reply(401, json=_error(190, "Access token has expired")), "waiting", 590),
    (Reply(200, json=ACCEPTED), "sent", 0),
    (Reply(400, json=_error(131047, "Re-engagement message")), "dead", 0),
    (Reply(400, json=_error(131026, "Message undeliverable")), "dead", 0),
    (Reply(400, json=_error(100, "Invalid parameter")), "dead", 0),
)


def test_whatsapp(alerts: Alerts, receiver: Receiver) -> None:
    db = alerts.db
    alerts.variables["ASYMMETRICA_ALERT_WHATSAPP_URL"] = f"{receiver.url}/v23.0"
    db.sql(
        "SELECT asymm.set_alert_destination('wa', 'whatsapp', secret => 'ASYMMETRICA_ALERT_WA',"
        " sender => '106540352242922', recipients => '{+4915112345678}', template => 'db_alert',"
        " language => 'en_US')"
    )
    alerts.on("all", "{wa}")
    alerts.find("first", seen="slow\n\n  since\tnoon")
    for number, (reply, state, waits) in enumerate(REPLIES):
        if number and REPLIES[number - 1][1] != "waiting":
            alerts.find(f"k{number}")
        receiver.replies.append(reply)
        alerts.send()
        assert db.value("SELECT state FROM asymm.alert_outbox ORDER BY id DESC LIMIT 1") == state
        if waits:
            assert db.value("SELECT due_at - now() > %s * interval '1 s' FROM asymm.alert_outbox", waits)
        db.own.execute(TRY_AGAIN.encode())
    assert len(receiver.requests) == len(REPLIES)
    for request in receiver.requests:
        assert (request.path, request.headers["Authorization"]) == (
            "/v23.0/106540352242922/messages",
            f"Bearer {TOKEN}",
        )
    body = receiver.requests[0].json
    assert body.pop("biz_opaque_callback_data") == str(
        db.value("SELECT key FROM asymm.alert_outbox ORDER BY id")
    )
    words = {"type": "text", "text": f"{db.name}: query 1: slow since noon"}
    template = {"name": "db_alert", "language": {"code": "en_US"}}
    assert body == {
        "messaging_product": "whatsapp", "recipient_type": "individual", "to": "+4915112345678",
        "type": "template", "template": template | {"components": [{"type": "body", "parameters": [words]}]},
    }  # fmt: skip
    # Dead letters are kept, shown, and sent again when somebody says so.
    dead = db.sql(
        "SELECT seen, remedy FROM asymm.doctor() WHERE check_name = 'alerts to wa' AND status = 'warning'"
    )
    assert "3 dead letters" in dead[0][0]
    assert "asymm.resend" in dead[0][1]
    db.sql("SELECT asymm.resend(id) FROM asymm.alert_outbox WHERE state = 'dead'")
    alerts.send()
    assert alerts.states() == {"sent": 4}


def test_an_alertmanager(alerts: Alerts, receiver: Receiver) -> None:
    db = alerts.db
    manager = Alertmanager(receiver.url)
    try:
        db.sql("SELECT asymm.set_alert_destination('am', 'alertmanager', %s)", manager.url)
        alerts.on("all", "{am}", ", resolved => false")
        alerts.find("k", "warning")
        alerts.send()
        [told] = receiver.wait(1)
        assert (told.json["status"], told.json["alerts"][0]["annotations"]) == (
            "firing",
            {"summary": "query 1: is slow"},
        )
        # It forgets with its process, so it is told again; and another severity is another alert there.
        manager.kill()
        manager.start()
        db.sql("UPDATE asymm.alert_destination_state SET refreshed_at = now() - interval '2 min'")
        alerts.send()
        wait_until(lambda: len(manager.alerts()) == 1, 10, "it knows again")
        alerts.find("k", "critical")
        alerts.send()
        labels = manager.alerts()[0]["labels"] if len(manager.alerts()) == 1 else {}
        assert (labels.get("severity"), labels.get("about"), labels.get("alertname")) == (
            "critical", "query 1", "asymmetrica_ux",
        )  # fmt: skip
        alerts.over("k")
        alerts.send()
        wait_until(lambda: not manager.alerts(), 10, "it is over there too")

        def resolved() -> bool:
            return any(
                request.json["status"] == "resolved"
                and request.json["commonLabels"]["severity"] == "critical"
                for request in receiver.requests
            )

        wait_until(resolved, 15, "it told that it is over")
    finally:
        manager.close()
