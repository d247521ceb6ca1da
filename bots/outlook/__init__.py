"""Outlook: actionable mails go out, and what is pressed in them comes in."""
