"""Which addresses name a store in Redis, and what each of them says."""

import pytest

from approvals_core.adapters.redis_store.address import Durability, Safety, read_address

PLAIN = [
    ("redis://h", "h:6379", "redis://h:6379"),
    ("redis://h:1/2", "h:1", "redis://h:1/2"),
    ("rediss://u:p%40@h:1", "h:1", "rediss://u:p%40@h:1"),
    ("rediss://h?ssl_ca_certs=%2Fca.pem", "h:6379", "rediss://h:6379?ssl_ca_certs=%2Fca.pem"),
    ("redis://[::1]:7", "[::1]:7", "redis://[::1]:7"),
    ("unix:///run/redis.sock", "", "unix:///run/redis.sock"),
    ("unix://u:p@/run/redis.sock?db=3", "", "unix://u:p@/run/redis.sock?db=3"),
]


@pytest.mark.parametrize(("url", "server", "own"), PLAIN)
def test_one_server_is_named(url: str, server: str, own: str) -> None:
    address = read_address(url)

    assert (address.kind, address.servers) == ("", (server,))
    assert address.url(server) == own
    assert address.safety == Safety()


def test_a_cluster_is_named_by_some_of_its_servers() -> None:
    address = read_address("rediss+cluster://u:p@a:1,b,[::1]:2?ssl_ca_certs=ca.pem")

    assert (address.kind, address.servers) == ("cluster", ("a:1", "b:6379", "[::1]:2"))
    assert address.url("c:3") == "rediss://u:p@c:3?ssl_ca_certs=ca.pem"


def test_sentinels_are_asked_with_their_own_password_for_the_primary_by_its_name() -> None:
    address = read_address(
        "redis+sentinel://u:p@a,b:2/approvals/4?sentinel_username=s&sentinel_password=t%2F"
    )

    assert (address.kind, address.servers) == ("sentinel", ("a:26379", "b:2"))
    assert address.primary == "approvals"
    assert address.url("c:3") == "redis://u:p@c:3/4"
    assert address.sentinel_url("b:2") == "redis://s:t%2F@b:2"


def test_what_must_be_safe_is_no_business_of_the_server() -> None:
    address = read_address("redis://h?durability=everysec&wait_replicas=2&wait_ms=250")

    wanted = Safety(durability=Durability.EVERYSEC, wait_replicas=2, wait_ms=250)
    assert address.safety == wanted
    assert address.url("h:6379") == "redis://h:6379"


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("http://h", "must begin with"),
        ("unix+cluster:///x", "must begin with"),
        ("redis+nothing://h", "must begin with"),
        ("redis://", "no host"),
        ("redis+cluster://a,,b", "no host"),
        ("redis://a:secret", "port"),
        ("redis://a:99999", "port"),
        ("redis://a,b", "several hosts"),
        ("redis://a/secret", "no number"),
        ("redis+cluster://a/1", "has only 0"),
        ("redis+sentinel://a", "call the primary"),
        ("unix://host/secret", "takes no host"),
        ("unix://", "socket"),
        ("redis://a?wait_replica=1", "wait_replica"),
        ("redis://a?wait_replicas=many", "wait_replicas"),
        ("redis://a?wait_ms=9000", "wait_ms"),
        ("redis://a?durability=none", "durability"),
        ("redis+cluster://a?db=1", "db"),
        ("redis://app:secret\u2100pass@h/0", "cannot be read"),
        ("redis://app:pa?secret@h/0", "behind its hosts"),
        ("redis://app:pa/secret@h/0", "behind its hosts"),
        ("redis://app:6379#secret@h/0", "behind its hosts"),
        ("redis://:pa?Secret", "do not know$"),
        ("redis://app:pa?secret%40h=1", "do not know$"),
        ("rediss://h?ssl_cert_reqs=none", "ssl_cert_reqs=required"),
        ("rediss://h?ssl_cert_reqs=optional", "ssl_cert_reqs=required"),
        ("rediss+sentinel://h/n?ssl_check_hostname=false", "ssl_check_hostname=true"),
        ("rediss+cluster://h?ssl_check_hostname=", "ssl_check_hostname=true"),
        ("redis://h?ssl_ca_certs=ca.pem", "write rediss"),
    ],
)
def test_what_is_none_is_refused_without_telling_a_password(url: str, word: str) -> None:
    with pytest.raises(ValueError, match=word) as refusal:
        read_address(url)

    assert "secret" not in str(refusal.value).lower()


def test_the_checks_of_a_certificate_may_be_named() -> None:
    address = read_address("rediss://h?ssl_cert_reqs=required&ssl_check_hostname=True")

    assert address.url("h:6379").endswith("?ssl_cert_reqs=required&ssl_check_hostname=True")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("redis://h", []),
        ("redis+sentinel://h/n?wait_replicas=1", []),
        ("redis+sentinel://h/n", ["wait_replicas=0"]),
        ("redis+cluster://h", ["wait_replicas=0"]),
        ("redis://h?durability=everysec", ["last second"]),
        ("redis+cluster://h?durability=managed", ["those who run", "wait_replicas=0"]),
    ],
)
def test_what_may_be_lost_is_said(url: str, words: list[str]) -> None:
    address = read_address(url)

    said = address.safety.risks(address.kind)

    assert len(said) == len(words)
    assert all(word in risk for word, risk in zip(words, said, strict=True))
