"""The demonstration: real data, a dozen and more slips, and a database that mends itself.

Needs a superuser's connection to a database that has the extension; uses the schemas `flights` and `crew`,
for a while the database NAME_staging, and the roles flights_owner, flights_reader, asymm_actor, dana, omar
and kim there. Can be run again and again.
"""

from .run import run_demo

__all__ = ["run_demo"]
