"""Every statement about duplicates."""

from __future__ import annotations

from typing import Final

FIND_DUPLICATES: Final = """SELECT hash, rows, sample_keys FROM asymm.find_duplicates(
    relation => %(relation)s, columns => %(columns)s::name[], ignore => %(ignore)s::name[], nfc => %(nfc)s,
    most => %(most)s)"""
FIND_NEAR_DUPLICATES: Final = """SELECT rule, similarity, first_key, second_key, first, second
    FROM asymm.find_near_duplicates(relation => %(relation)s, columns => %(columns)s::name[],
    threshold => %(threshold)s::real, neighbours => %(neighbours)s, most => %(most)s)"""
DUPLICATE_REPORT: Final = """SELECT object, columns::text[], rows, distinct_rows, duplicates, groups,
    largest, explosion, note
    FROM asymm.duplicate_report(schema_name => %(schema)s, most_rows => %(most_rows)s)"""
MERGE_DUPLICATES: Final = """SELECT action, groups, removed, repointed, skipped, notes, index_action
    FROM asymm.merge_duplicates(relation => %(relation)s, keep => %(keep)s, columns => %(columns)s::name[],
    ignore => %(ignore)s::name[], dry_run => %(dry_run)s, most_groups => %(most_groups)s,
    unique_index => %(unique_index)s)"""
WATCH_DUPLICATES: Final = """SELECT asymm.watch_duplicates(relation => %(relation)s,
    columns => %(columns)s::name[], ignore => %(ignore)s::name[])::text[]"""
UNWATCH_DUPLICATES: Final = "SELECT asymm.unwatch_duplicates(target => %(target)s)"
