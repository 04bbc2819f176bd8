"""A certificate authority of our own, strict enough for Python 3.13."""

from __future__ import annotations

import subprocess
from pathlib import Path


class Authority:
    """Makes a certificate for 127.0.0.1; `root` is what a client must know to believe it."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        self.directory, self.root = directory, directory / "root.crt"
        self._run(
            "req", "-x509", *self._new("root"), "-out", self.root, "-days", "2", "-subj", "/CN=tests",
            "-addext", "keyUsage=critical,keyCertSign",
        )  # fmt: skip

    def _run(self, *words: str | Path) -> None:
        subprocess.run(["openssl", *words], cwd=self.directory, check=True, capture_output=True)

    @staticmethod
    def _new(name: str) -> tuple[str, ...]:
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
        return (*curve, "-nodes", "-keyout", f"{name}.key")

    def certificate(self) -> tuple[bytes, bytes]:
        """Return a certificate and its key."""
        (self.directory / "names").write_text(
            "subjectAltName=IP:127.0.0.1\nauthorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n"
        )
        self._run("req", "-new", *self._new("server"), "-out", "server.csr", "-subj", "/CN=localhost")
        self._run(
            "x509", "-req", "-in", "server.csr", "-CA", "root.crt", "-CAkey", "root.key", "-CAcreateserial",
            "-days", "2", "-extfile", "names", "-out", "server.crt",
        )  # fmt: skip
        return (self.directory / "server.crt").read_bytes(), (self.directory / "server.key").read_bytes()
