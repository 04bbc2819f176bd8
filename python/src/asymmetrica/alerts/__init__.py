"""Alerts: a sender that empties the database's outbox into webhooks, WhatsApp, an Alertmanager and mail."""

from __future__ import annotations

__all__: list[str] = []
