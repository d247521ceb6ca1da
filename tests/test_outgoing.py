"""The session for Microsoft's own services."""

from aiohttp import web
from aiohttp.test_utils import TestServer

from approvals_core.adapters.outgoing import session_trusting


async def test_what_a_server_sets_is_not_sent_to_it_again() -> None:
    """Calls for many directories share the session: none is to be known again by another's cookie."""
    cookies: list[str] = []

    async def setting(request: web.Request) -> web.Response:
        cookies.append(request.headers.get("Cookie", ""))
        answer = web.Response()
        answer.set_cookie("ARRAffinity", "instance-7")
        return answer

    app = web.Application()
    app.router.add_get("/", setting)
    # By a name: no jar keeps a cookie of a mere address.
    async with TestServer(app, host="localhost") as server, session_trusting(None) as session:
        for _ in range(2):
            async with session.get(server.make_url("/")) as answer:
                assert answer.cookies

    assert cookies == ["", ""]
