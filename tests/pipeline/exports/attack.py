"""What an outsider can read in files: every byte, unpacked as far as it can be."""

from __future__ import annotations

import base64
import io
import re
import zlib
from collections.abc import Iterator
from pathlib import Path


def readable(folder: Path) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of every file below a folder: its name, its bytes, and what is packed in them."""
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        data = path.read_bytes()
        yield path.name, path.name.encode()
        yield path.name, data
        if path.suffix == ".pdf":
            yield path.name, pdf_text(data)
        elif path.suffix == ".png":
            yield path.name, png_texts(data)
        elif path.suffix == ".html":
            for packed in re.findall(rb"base64,([A-Za-z0-9+/=]+)", data):
                yield path.name, base64.b64decode(packed)


def pdf_text(data: bytes) -> bytes:
    """All text of a PDF, what it says of itself, and every stream unpacked."""
    from pypdf import PdfReader

    reader = PdfReader(io.BytesIO(data))
    text = "\n".join(page.extract_text() for page in reader.pages)
    streams = b""
    for packed in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", data, re.DOTALL):
        try:
            streams += zlib.decompress(packed)
        except zlib.error:
            streams += packed
    return text.encode() + str(reader.metadata).encode() + streams


def png_texts(data: bytes) -> bytes:
    """Names and contents of all chunks of a PNG that are not its picture."""
    at, found = 8, b""
    while at < len(data):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if kind not in (b"IDAT", b"IHDR", b"IEND"):
            found += kind + data[at + 8 : at + 8 + length]
        at += 12 + length
    return found
