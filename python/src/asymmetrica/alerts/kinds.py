"""How a message is told to each kind of destination, and what its answers mean."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from .mail import email
from .message import Environment, Message, Undelivered
from .web import Answer, post

__all__ = ["WHATSAPP", "deliver"]

WHATSAPP = "https://graph.facebook.com/v23.0"

# Of these codes of Meta's the next try may do better; of any other below 500 it is the message.
_BUSY = {1, 2, 4, 80007, 130429, 131000, 131016, 131048, 131056, 131057, 133004}
# Nothing is wrong with the message: somebody has to renew the token, the rights or the account.
_ACCOUNT = {0, 3, 10, 190, 368, 131005, 131031, 131042, *range(200, 300)}
_ACCOUNT_AGAIN = 600.0
_SEVERITIES = ("info", "warning", "critical")


def deliver(message: Message, environment: Environment) -> int:
    """Send a message and return the status of its receiver. Raises `Undelivered`."""
    return {"webhook": webhook, "whatsapp": whatsapp, "alertmanager": alertmanager, "email": email}[
        message.kind
    ](message, environment)


def _body(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _key(secret: str) -> bytes:
    """Return the bytes that sign: of whsec_… what is base64 there, else the text itself."""
    if not secret.startswith("whsec_"):
        return secret.encode()
    try:
        return base64.b64decode(secret[6:], validate=True)
    except ValueError:
        raise Undelivered("its secret begins with whsec_ and is no base64") from None


def webhook(message: Message, environment: Environment) -> int:
    """Post the payload, signed as Standard Webhooks has it: whoever gets an id twice got one message."""
    key = _key(environment.value(message.secret))
    url, own = message.address(environment)
    body, now = _body(message.payload), str(int(time.time()))
    signed = hmac.new(key, f"{message.key}.{now}.".encode() + body, hashlib.sha256).digest()
    headers = {
        "webhook-id": message.key,
        "webhook-timestamp": now,
        "webhook-signature": "v1," + base64.b64encode(signed).decode(),
        "Idempotency-Key": message.key,
    }
    return _judged(post(url, body, headers, environment, own=own), hopeless={400, 410, 413, 415, 422})


def _judged(answer: Answer, hopeless: set[int]) -> int:
    if 200 <= answer.status < 300:
        return answer.status
    note = " (redirects are not followed)" if 300 <= answer.status < 400 else ""
    raise Undelivered(
        f"HTTP {answer.status}{note}",
        status=answer.status,
        hopeless=answer.status in hopeless,
        retry_after=answer.retry_after,
    )


def whatsapp(message: Message, environment: Environment) -> int:
    """Post to WhatsApp's Cloud API: as a template's one parameter, or as text where there is none."""
    token = environment.value(message.secret)
    if not token.isascii() or not token.isprintable():
        raise Undelivered(f"{message.secret} is no token")
    base = environment.variables.get("ASYMMETRICA_ALERT_WHATSAPP_URL") or WHATSAPP
    text = f"{message.payload['database']}: {message.payload['text']}"
    body: dict[str, Any] = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": message.recipient,
        "biz_opaque_callback_data": message.key,
    }
    if message.template is None:
        body |= {"type": "text", "text": {"preview_url": False, "body": text[:4096]}}
    else:
        # A parameter takes no line breaks, no tabs and no runs of blanks.
        words = {"type": "text", "text": " ".join(text.replace("\n", " · ").split())[:1000]}
        template = {"name": message.template, "language": {"code": message.language}}
        body |= {
            "type": "template",
            "template": template | {"components": [{"type": "body", "parameters": [words]}]},
        }
    answer = post(
        f"{base.rstrip('/')}/{message.sender}/messages", _body(body), {"Authorization": f"Bearer {token}"},
        environment, own=True,
    )  # fmt: skip
    if 200 <= answer.status < 300:
        return answer.status
    code = _code(answer.json)
    busy = answer.status >= 500 or answer.status in (408, 429) or code in _BUSY
    account = answer.status in (401, 403) or code in _ACCOUNT
    raise Undelivered(
        f"HTTP {answer.status}" + (f", WhatsApp code {code}" if code is not None else ""),
        status=answer.status,
        hopeless=not busy and not account and 400 <= answer.status < 500,
        retry_after=max(answer.retry_after, _ACCOUNT_AGAIN if account and not busy else 0.0),
    )


def _code(answer: Any) -> int | None:
    error = answer.get("error") if isinstance(answer, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, int) and not isinstance(code, bool) else None


def alertmanager(message: Message, environment: Environment) -> int:
    """Post to an Alertmanager's API v2. Its labels tell alerts apart, so that a second time does no harm."""
    url, own = message.address(environment)
    now = datetime.now(UTC)
    payload = message.payload
    if message.what == "test":
        alerts = [_ring(payload, {"id": "test", "about": message.destination, "severity": "info"}, "info",
                        now + timedelta(minutes=1))]  # fmt: skip
    else:
        alerts = [ring for item in payload["alerts"] for ring in _rings(payload, item, message.what, now)]
    answer = post(f"{url.rstrip('/')}/api/v2/alerts", _body(alerts), {}, environment, own=own)
    return _judged(answer, hopeless={400, 413, 422})


def _rings(payload: dict[str, Any], item: dict[str, Any], what: str, now: datetime) -> list[dict[str, Any]]:
    ends = item.get("closed_at") if what == "resolved" else None
    # It forgets when it is started anew and is told again each minute; if nobody does, it stops in a day.
    rings = [_ring(payload, item, item["severity"], ends or now + timedelta(days=1))]
    if what == "raised":  # another severity is another alert: the former one is over
        lower = _SEVERITIES[: _SEVERITIES.index(item["severity"])]
        rings += [_ring(payload, item, severity, now) for severity in lower]
    return rings


def _ring(
    payload: dict[str, Any], item: dict[str, Any], severity: str, ends: datetime | str
) -> dict[str, Any]:
    labels = {
        "alertname": f"asymmetrica_{item.get('source', 'test')}",
        "database": payload["database"],
        "severity": severity,
        "about": item["about"],
        "rule": item.get("rule", "test"),
        "id": str(item["id"]),
    }
    ring: dict[str, Any] = {
        "labels": {name: value for name, value in labels.items() if value},
        "annotations": {"summary": item.get("text") or payload.get("text", "")},
        "endsAt": ends.isoformat() if isinstance(ends, datetime) else ends,
    }
    if item.get("opened_at"):
        ring["startsAt"] = item["opened_at"]
    return ring
