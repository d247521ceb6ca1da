"""What is marked on a whole store: which one it is, and whether it may be written to."""

from collections.abc import Mapping

ID = "id"  # given to it when it was made, and never changed: a copy has its own
ISSUERS = "issuers"  # what it is stamped with (see `Store.stamp`)
MOVED = "moved"  # where its copy is, or is being made
ARRIVING = "arriving"  # where it comes from, until all of it is there

FINISHED = ", finished "  # stands in MOVED once the copy is whole


def why_closed(about: Mapping[str, str], *, own: str = "") -> str:
    """
    Say why nothing may be written to the store of which this is said, and what to do; "" if it may be.

    *own* is the id of the store that was opened; "" if it is only now that it is opened.
    """
    found = about.get(ID, "")
    if own and found != own:
        return (
            f"This is not the store that was opened: its id is {found or 'none'}, not {own}. Was it"
            " emptied, or another one put in its place? Nothing is written until the right one is"
            " back."
        )
    if ARRIVING in about:
        return (
            f"This store is a copy that is not finished ({about[ARRIVING]})."
            " Wait for it, or run the same `store copy` again."
        )
    if MOVED in about:
        use = (
            "Use the copy."
            if FINISHED in about[MOVED]
            else "Wait until it is finished, then use it."
        )
        return (
            f"This store was closed for a copy ({about[MOVED]}). {use} Or give the copy up, and use"
            " this one: `store reopen` with its address."
        )
    return ""
