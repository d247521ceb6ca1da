"""Assent's templates of mails (`#Dotted.Path#`): found where they are, and turned into ours."""

from bots.cli.assent_templates.exported import BadTable, Source, sources
from bots.cli.assent_templates.notes import Note
from bots.cli.assent_templates.turning import Converted, convert

__all__ = ["BadTable", "Converted", "Note", "Source", "convert", "sources"]
