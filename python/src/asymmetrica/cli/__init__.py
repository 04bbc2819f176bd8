"""Command line `asymmetrica`.

Exit codes: 0 all is well; 1 something was found (drift, an error of doctor, a step of the demo that did not
happen); 2 wrong usage; 3 no connection; 4 the server refused or failed; 130 interrupted.
"""

from .main import main

__all__ = ["main"]
