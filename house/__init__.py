"""The house's parts, put together by `app`: settings -> parts."""
