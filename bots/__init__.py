"""Channels: where requests come in and are answered. One module per channel, both directions."""
