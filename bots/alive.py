"""Asks the service on this machine whether it lives: what a container's health check runs, for want of curl."""

import http.client
import sys

WITHIN = 5.0  # seconds


def main(port: str) -> int:
    """Return 0 if GET /livez on *port* of this machine answers with 200, else 1."""
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=WITHIN)
    try:
        connection.request("GET", "/livez")
        return 0 if connection.getresponse().status == http.HTTPStatus.OK else 1
    except (OSError, http.client.HTTPException):
        return 1
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
