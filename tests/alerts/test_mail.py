"""A real mail server; and where nothing is sent, whatever the database says."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword

from asymmetrica.alerts.message import Environment, Undelivered
from asymmetrica.alerts.web import resolve
from support.certificates import Authority
from support.cluster import free_port
from support.receivers import Receiver

from .conftest import TRY_AGAIN, Alerts

STATE = "SELECT state, error, status FROM asymm.alert_destinations"


class Mailbox:
    """What aiosmtpd asks about each mail."""

    def __init__(self) -> None:
        self.mails: list[Envelope] = []
        self.refuse = ""

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802
        if self.refuse:
            return self.refuse
        self.mails.append(envelope)
        return "250 OK"


def _login(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: LoginPassword) -> AuthResult:
    return AuthResult(success=data == LoginPassword(b"db", b"pass word@"))


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, Controller]]:
    box = Mailbox()
    controller = Controller(
        box, hostname="127.0.0.1", port=free_port(), authenticator=_login, auth_require_tls=False
    )
    controller.start()
    yield box, controller
    controller.stop()


def test_mail(alerts: Alerts, mailbox: tuple[Mailbox, Controller]) -> None:
    box, controller = mailbox
    db = alerts.db
    make = ("SELECT asymm.set_alert_destination('mail', 'email', %s, sender => 'db@example.org',"
            " recipients => '{one@example.org,two@example.org}')")  # fmt: skip
    db.sql(make, f"smtp://127.0.0.1:{controller.port}")
    alerts.on("all", "{mail}")
    alerts.find("k", "critical", "entity:public.rechnungen", "Überläufe\r\nBcc: x@y.z")
    box.refuse = "451 later"
    alerts.send()
    assert db.value("SELECT error FROM asymm.alert_destinations") == "SMTP 451: the mail was refused"
    db.own.execute(TRY_AGAIN.encode())
    box.refuse = ""
    alerts.send()
    keys = {str(key) for (key,) in db.sql("SELECT key FROM asymm.alert_outbox WHERE state = 'sent'")}
    for envelope in box.mails:
        text = bytes(envelope.content or b"").decode()  # type: ignore[arg-type]
        assert f"Subject: [{db.name}] opened critical public.rechnungen\r\n" in text
        assert "\r\nBcc" not in text
        keys.discard(text.partition("Message-ID: <")[2].partition("@example.org>")[0])
    assert sorted(envelope.rcpt_tos for envelope in box.mails) == [["one@example.org"], ["two@example.org"]]
    assert keys == set()
    box.refuse = "554 no"
    alerts.over("k")
    alerts.send()
    assert alerts.states() == {"sent": 2, "dead": 2}
    # A password is in the environment with its address, and goes to nobody without TLS.
    alerts.variables["ASYMMETRICA_ALERT_SMTP"] = f"smtp://db:pass%20word%40@127.0.0.1:{controller.port}"
    db.sql(make, "env:ASYMMETRICA_ALERT_SMTP")
    db.sql("SELECT asymm.test_alert('mail')")
    said = alerts.send()
    assert (
        db.value("SELECT error FROM asymm.alert_destinations") == "it offers no TLS, so it gets no password"
    )
    assert "pass word" not in str(said)
    assert "pass%20word" not in str(said)


def test_tls(alerts: Alerts, receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Certificates are asked for the name that led there, and passwords go through TLS alone."""
    authority = Authority(tmp_path / "ca")
    authority.certificate()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(authority.directory / "server.crt", authority.directory / "server.key")
    receiver.wrap(context)
    box = Mailbox()
    controller = Controller(
        box, hostname="127.0.0.1", port=free_port(), tls_context=context, authenticator=_login
    )
    controller.start()
    try:
        port = controller.port
        alerts.variables["ASYMMETRICA_ALERT_SMTP"] = f"smtp://db:pass%20word%40@127.0.0.1:{port}"
        alerts.variables["ASYMMETRICA_ALERT_URL"] = receiver.url
        alerts.db.sql("SELECT asymm.set_alert_destination('mail', 'email', 'env:ASYMMETRICA_ALERT_SMTP',"
                      " sender => 'db@example.org', recipients => '{one@example.org}')")  # fmt: skip
        alerts.hook("env:ASYMMETRICA_ALERT_URL")
        alerts.on("mail", "{mail}")
        alerts.find("k")
        refused = ("failing", "its certificate or TLS was not accepted", None)
        alerts.send()
        assert alerts.db.sql(STATE) == [refused, refused]
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.root))
        for host in ("localhost", "127.0.0.1"):  # the certificate is for the address only
            alerts.variables["ASYMMETRICA_ALERT_URL"] = receiver.url.replace("127.0.0.1", f"u:a%40b@{host}")
            alerts.db.own.execute(TRY_AGAIN.encode())
            alerts.send()
            hook = alerts.db.sql(f"{STATE} WHERE name = 'hook'")
            assert hook == [refused if host == "localhost" else ("ok", None, 200)]
        assert [request.headers["Authorization"] for request in receiver.requests] == ["Basic dTphQGI="]
        assert [envelope.rcpt_tos for envelope in box.mails] == [["one@example.org"]]
    finally:
        controller.stop()


def test_where_nothing_is_sent(alerts: Alerts, receiver: Receiver) -> None:
    """What the database says is believed within limits; the sender's own operator has the last word."""
    for host in ("169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "0.0.0.0", "224.0.0.1",
                 "fd00:ec2::254", "100.100.100.200", "64:ff9b::a9fe:a9fe", "::169.254.169.254",
                 "168.63.129.16", "::ffff:192.0.0.192", "fd20:ce::254"):  # fmt: skip
        with pytest.raises(Undelivered, match="no place to send to"):
            resolve(host, 80, Environment({}), own=False)
        assert resolve(host, 80, Environment({}), own=True)
    alerts.hook(receiver.url)
    alerts.find("k")
    alerts.send("example.org,127.0.0.1:1")
    assert (
        alerts.db.value("SELECT error FROM asymm.alert_destinations")
        == "this sender may not send there (--hosts)"
    )
    # Whoever writes past the functions gets no other variable either.
    alerts.db.sql("ALTER TABLE asymm.alert_destination DROP CONSTRAINT alert_destination_secret")
    alerts.db.sql("UPDATE asymm.alert_destination SET secret = 'PGPASSWORD'")
    alerts.db.own.execute(TRY_AGAIN.encode())
    alerts.send()
    assert (
        alerts.db.value("SELECT error FROM asymm.alert_destinations")
        == "a variable was named that senders tell nobody"
    )
    assert receiver.requests == []
