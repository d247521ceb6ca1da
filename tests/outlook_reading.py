"""Reads a card in a mail: its buttons, and its pieces by kind and id."""

from typing import Any

from tests.card_schema import walk


def pieces_of(card: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [piece for _path, piece in walk(card["body"]) if piece.get("type") == kind]


def posts(card: dict[str, Any]) -> list[dict[str, Any]]:
    return pieces_of(card, "Action.Http")


def titles(card: dict[str, Any], kind: str) -> list[str]:
    return [piece["title"] for piece in pieces_of(card, kind)]


def the(card: dict[str, Any], id_: str) -> dict[str, Any]:
    return next(piece for _path, piece in walk(card) if piece.get("id") == id_)
