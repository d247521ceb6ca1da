"""The cards for deciding several requests of one tenant together: to tick, and what became of it."""

from cards.together.results import Told, results
from cards.together.ticks import NOTHING_FILLED_IN, FilledIn, several, tick_list

__all__ = ["NOTHING_FILLED_IN", "FilledIn", "Told", "results", "several", "tick_list"]
