"""What the console and the page show: rows of the extension's views, with the rights of who looks."""

from __future__ import annotations

from .reader import Reader, Rows, Tile, Viewer

__all__ = ["Reader", "Rows", "Tile", "Viewer"]
