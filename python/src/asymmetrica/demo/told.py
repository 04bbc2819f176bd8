"""An act: somebody is told, by a receiver of our own on this machine."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from ..alerts.message import Environment
from ..alerts.sender import Sender
from .slips import QUICK
from .story import Story

_NAME, _VARIABLE = "demonstration", "ASYMMETRICA_ALERT_DEMONSTRATION"


def told(story: Story) -> None:
    """A slip is repaired, and a signed message says so."""
    db, screen = story.db, story.screen
    screen.title("Somebody is told: a webhook on this machine")
    key = secrets.token_hex(16)
    with _receiver(key) as (url, messages):
        db.set_alert_destination(_NAME, "webhook", url=url, secret=_VARIABLE)
        db.alert_on(_NAME, [_NAME], sources=["drift"], pattern=QUICK.table, wait=timedelta(seconds=5))
        try:
            screen.line(f"alert_on('{_NAME}', …, sources => '{{drift}}', pattern => '{QUICK.table}')", "cyan")
            story.slip(QUICK)
            Sender(story.stage.dsn, environment=Environment({_VARIABLE: key})).run(once=True)
        finally:
            db.alert_off(_NAME)
            db.drop_alert_destination(_NAME)
    for message in messages:
        screen.line(f"received, signature {'right' if message['right'] else 'wrong'}: {message['text']}")
    screen.check(
        any(message["right"] and message["text"].startswith("Schema synced") for message in messages),
        "asymmetrica alerts run sent what the repair's own transaction put into the outbox",
    )


@contextmanager
def _receiver(key: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield where to post to, and what was posted: its text, and whether the signature is right."""
    messages: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            signed = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + body
            wanted = "v1," + base64.b64encode(hmac.digest(key.encode(), signed, hashlib.sha256)).decode()
            right = hmac.compare_digest(wanted, self.headers["webhook-signature"] or "")
            messages.append({"right": right, "text": str(json.loads(body)["text"])})
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/alerts", messages
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
