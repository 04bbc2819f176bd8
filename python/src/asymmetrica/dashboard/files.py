"""The page itself: files that `make web` built and the package brings, read once."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import re
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

HERE = Path(__file__).parent / "static"
INDEX = "index.html"
# name-HASH.js: what has another content has another name.
HASHED = re.compile(r"[-.][A-Za-z0-9_]{8,}\.[a-z0-9]+$")
SQUEEZED = ("text/", "application/javascript", "application/json", "image/svg+xml", "application/wasm")
WITHOUT = b"The page is not built: make web\n"


@dataclass(frozen=True, slots=True)
class File:
    """A file's bytes, as they are and compressed (None if that is no gain)."""

    content: bytes
    squeezed: bytes | None
    kind: str
    tag: str
    forever: bool

    @classmethod
    def read(cls, path: Path) -> File:
        """Read one; without a known ending it is bytes."""
        content = path.read_bytes()
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        kind = "text/javascript" if path.suffix in (".js", ".mjs") else kind
        squeezed = gzip.compress(content, mtime=0) if kind.startswith(SQUEEZED) else b""
        return cls(
            content=content,
            squeezed=squeezed if squeezed and len(squeezed) < len(content) else None,
            kind=f"{kind}; charset=utf-8" if kind.startswith("text/") else kind,
            tag=hashlib.sha256(content).hexdigest()[:32],
            forever=path.name != INDEX and bool(HASHED.search(path.name)),
        )


class Files:
    """The files below a directory by their path there; nothing else of the disk can be asked for."""

    def __init__(self, directory: Path = HERE) -> None:
        self._files = {
            path.relative_to(directory).as_posix(): File.read(path)
            for path in sorted(directory.rglob("*"))
            if path.is_file() and path.suffix not in (".gz", ".py", ".map")
        }

    async def index(self, request: Request) -> Response:
        """Answer GET /."""
        return self._answer(request, INDEX)

    async def static(self, request: Request) -> Response:
        """Answer GET /static/…."""
        return self._answer(request, request.path_params["path"])

    def _answer(self, request: Request, path: str) -> Response:
        file = self._files.get(path)
        if file is None:
            missing = path == INDEX
            return Response(WITHOUT if missing else b"", 503 if missing else 404, media_type="text/plain")
        headers = {
            "content-type": file.kind,
            "vary": "accept-encoding",
            "cache-control": "public, max-age=31536000, immutable" if file.forever else "no-cache",
        }
        body = file.content
        accepted = [word.strip() for word in request.headers.get("accept-encoding", "").split(",")]
        if file.squeezed is not None and "gzip" in accepted:
            body = file.squeezed
            headers["content-encoding"] = "gzip"
        tag = headers["etag"] = f'"{file.tag}{"-gzip" if body is file.squeezed else ""}"'
        if tag in request.headers.get("if-none-match", ""):
            headers.pop("content-encoding", None)
            return Response(status_code=304, headers=headers)
        return Response(body, headers=headers)
