"""The demonstration."""


def run_demo(dsn: str, *, cache: str, limit: int | None, json: bool) -> int:
    """Run the demonstration."""
    raise NotImplementedError
