"""Reads and writes PNG pictures with 8 bits per channel: all that icons need (RFC 2083)."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER = struct.Struct(">IIBBBBB")
_CHANNELS = {2: 3, 6: 4}  # colour type -> channels: RGB and RGBA
MOST_BYTES = 4 * 1024 * 1024  # of unpacked pixels: no icon has as many


class BadPicture(Exception):
    """The message says why, for the person who chose the picture."""


@dataclass(frozen=True)
class Picture:
    """Pixels row by row, each of three (RGB) or four (RGBA) bytes."""

    width: int
    height: int
    channels: int
    data: bytes

    def pixels(self) -> Iterator[bytes]:
        for at in range(0, len(self.data), self.channels):
            yield self.data[at : at + self.channels]


def write(picture: Picture) -> bytes:
    """Return the picture as a PNG file."""
    colour = {channels: code for code, channels in _CHANNELS.items()}[picture.channels]
    header = _HEADER.pack(picture.width, picture.height, 8, colour, 0, 0, 0)
    length = picture.width * picture.channels
    rows = (picture.data[at : at + length] for at in range(0, len(picture.data), length))
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    return SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def read(raw: bytes) -> Picture:
    """
    Return what a PNG file shows.

    Raises:
        BadPicture: It is none, or one of another kind than RGB or RGBA.
    """
    if not raw.startswith(SIGNATURE):
        raise BadPicture("is no PNG picture")
    try:
        return _read(raw)
    except (struct.error, zlib.error, IndexError, KeyError) as problem:
        raise BadPicture("is a damaged PNG picture") from problem


def _read(raw: bytes) -> Picture:
    chunks = list(_chunks(raw))
    width, height, bits, colour, _packing, _filtering, interlaced = _HEADER.unpack(chunks[0][1])
    if bits != 8 or colour not in _CHANNELS or interlaced:  # noqa: PLR2004 (see the first line)
        raise BadPicture("must be RGB or RGBA with 8 bits per channel, not interlaced")
    channels = _CHANNELS[colour]
    length = width * channels
    if not 0 < (length + 1) * height <= MOST_BYTES:
        raise BadPicture("is far too large")
    packed = b"".join(content for name, content in chunks if name == b"IDAT")
    filtered = zlib.decompressobj().decompress(packed, MOST_BYTES)
    if len(filtered) != (length + 1) * height:
        raise BadPicture("is a damaged PNG picture")
    return Picture(width, height, channels, _unfiltered(filtered, length, channels))


def _chunks(raw: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(SIGNATURE)
    while at < len(raw):
        length, name = struct.unpack_from(">I4s", raw, at)
        yield name, raw[at + 8 : at + 8 + length]
        at += length + 12


def _unfiltered(filtered: bytes, length: int, channels: int) -> bytes:
    """Undo the filters: each row says how it was told from its neighbours (RFC 2083, 6)."""
    shown = bytearray()
    above = bytes(length)
    for start in range(0, len(filtered), length + 1):
        row = bytearray(filtered[start + 1 : start + 1 + length])
        for at in range(length):
            left, corner = (row[at - channels], above[at - channels]) if at >= channels else (0, 0)
            row[at] = (row[at] + _guess(filtered[start], left, above[at], corner)) % 256
        shown += row
        above = bytes(row)
    return bytes(shown)


def _guess(kind: int, left: int, above: int, corner: int) -> int:
    guesses = (0, left, above, (left + above) // 2, _nearest(left, above, corner))
    return guesses[kind]


def _nearest(left: int, above: int, corner: int) -> int:
    """Return Paeth's choice: the neighbour nearest to left + above - corner."""
    aim = left + above - corner
    return min((left, above, corner), key=lambda each: abs(aim - each))


def _chunk(name: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)
