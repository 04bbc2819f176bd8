"""SQL for privacy, one constant a method."""

from __future__ import annotations

from typing import Final

PROTECTED: Final = """SELECT object, column_name AS column, method, protected_by, protected_at, present,
    masked_view FROM asymm.protected"""
PROTECT: Final = """SELECT object, protected_column AS column, done FROM asymm.protect(
    target => %(target)s, column_name => %(column)s, method => %(method)s)"""
UNPROTECT: Final = """SELECT object, unprotected_column AS column, done FROM asymm.unprotect(
    target => %(target)s, column_name => %(column)s)"""
CREATE_MASKED_VIEW: Final = """SELECT asymm.create_masked_view(
    target => %(target)s, view_name => %(view)s)"""
UNHASHED: Final = """SELECT column_name AS column, filled, not_hashed
    FROM asymm.unhashed(target => %(target)s)"""

AUDIT: Final = """SELECT asymm.audit(
    action => %(action)s, object => %(thing)s, detail => %(detail)s::jsonb)"""
VERIFY_AUDIT: Final = """SELECT intact, entries, sealed, present_anchor AS anchor, faults
    FROM asymm.verify_audit(anchor => %(anchor)s)"""
SEAL_AUDIT: Final = "SELECT asymm.seal_audit()"

REGISTER_SUBJECT: Final = """SELECT asymm.register_subject(kind => %(kind)s, target => %(target)s,
    subject_column => %(column)s, columns => %(columns)s)"""
REGISTER_ENTITIES: Final = "SELECT asymm.register_entities(kind => %(kind)s, prefix => %(prefix)s)"
UNREGISTER_SUBJECT: Final = "SELECT asymm.unregister_subject(id => %(place)s)"
FORGET: Final = """SELECT place, held, erased, remaining FROM asymm.forget(
    subject => %(subject)s, dry_run => %(dry_run)s, kind => %(kind)s)"""
EXPORT_SUBJECT: Final = "SELECT asymm.export_subject(subject => %(subject)s, kind => %(kind)s)"
ERASURE_LEDGER: Final = "SELECT asymm.erasure_ledger()"
REAPPLY_ERASURES: Final = """SELECT kind, place, held, erased, remaining
    FROM asymm.reapply_erasures(ledger => %(ledger)s::jsonb)"""
