"""Every statement of a sender; its session has the search path pg_catalog, pg_temp."""

from typing import Final

CLAIM: Final = """SELECT message, token::text, destination, kind, url, secret, sender, recipient, template,
        language, tries, payload
    FROM asymm._alert_claim(lease => make_interval(secs => %(lease)s))"""
SENT: Final = "SELECT asymm._alert_sent(%(destination)s, %(token)s::uuid, %(status)s)"
FAILED: Final = """SELECT asymm._alert_failed(%(destination)s, %(token)s::uuid, %(error)s, %(status)s,
    %(hopeless)s, %(retry_after)s)"""
