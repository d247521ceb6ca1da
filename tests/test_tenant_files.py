"""The tenants' files: what is read from them, and how every mistake is told at once."""

from pathlib import Path

import pytest

from approvals_core.adapters.tenant_files import BadTenantFiles, load_tenants, read_intact
from approvals_core.tenant import Action, AliasIs, Comment, Style

PURCHASING = Path(__file__).parent.parent / "playground" / "tenants" / "purchasing.toml"
OTHER_ID = "00000000-1111-2222-3333-444444444444"
ID = "93f9b688-ddc3-43aa-b617-c05a415d1612"


def a_file(folder, file="pr.toml", **replaced):
    """Write the playground's file with some of its words replaced."""
    text = PURCHASING.read_text("utf-8")
    for old, new in replaced.items():
        wanted = OLD[old]
        assert wanted in text
        text = text.replace(wanted, new, 1)
    (folder / file).write_text(text, "utf-8")
    return text


OLD = {
    "code": 'code = "pr"',
    "id": f'document_type_id = "{ID}"',
    "base_url": 'base_url = "http://127.0.0.1:3979/tenants/pr"',
    "action": 'action = "/actions"',
    "line": 'LINE = "/details/LINE/{DocumentNumber}?fiscalYear={FiscalYear}"',
    "reject": 'code = "Reject"',
    "name": 'name = "Contoso Purchasing"',
    "word": 'request_word = "Purchase requisition"',
    "comment": 'comment = "optional"',
    "networks": "idempotent = true",
    "resource": 'resource = "',
    "decide_by": 'decide_by = "AdditionalData.DecideBy"',
    "within": "answer_within = 100  # seconds",
}


def line_of(text, words):
    return next(n for n, line in enumerate(text.splitlines(), 1) if words in line)


def mistakes_in(folder):
    with pytest.raises(BadTenantFiles) as caught:
        load_tenants(folder)
    return caught.value.mistakes


def test_the_playgrounds_file_is_read():
    tenant = load_tenants(PURCHASING.parent).by_code("pr")

    assert tenant is not None
    assert (tenant.code, tenant.name) == ("pr", "Contoso Purchasing")
    assert tenant.people.mail_domains == ("organization.com",)
    assert tenant.people.alias_is is AliasIs.UPN_PREFIX
    assert tenant.callers[0].role == "Payload.Post"
    assert [action.code for action in tenant.actions] == [
        "Approve",
        "Reject",
        "NeedMoreInformation",
    ]
    assert tenant.actions[0].style is Style.POSITIVE
    assert tenant.actions[1].comment is Comment.REQUIRED
    assert tenant.actions[2].holds is False
    assert tenant.limits.posts == 5


def test_tenants_are_found_by_id_and_code_and_come_in_order(tmp_path):
    a_file(tmp_path, "z.toml")
    a_file(tmp_path, "a.toml", code='code = "ex"', id=f'document_type_id = "{OTHER_ID.upper()}"')
    (tmp_path / "notes.txt").write_text("no tenant")

    tenants = load_tenants(tmp_path)

    assert [tenant.code for tenant in tenants.all()] == ["ex", "pr"]
    assert tenants.by_id(f" {ID.upper()} ") == tenants.by_code("pr")
    assert tenants.by_id(OTHER_ID) == tenants.by_code("ex")
    assert tenants.by_id("") is None
    assert tenants.by_code("no") is None


def test_every_mistake_of_every_file_at_once(tmp_path):
    first = a_file(
        tmp_path,
        "a.toml",
        code='code = "P R"',
        reject='code = ""',
        comment='comment = "perhaps"',
        word='request_wrod = "Purchase requisition"',
    )
    (tmp_path / "b.toml").write_text('code = "ok"\nname = =\n', "utf-8")

    mistakes = mistakes_in(tmp_path)

    told = [mistake.split(": ")[:2] for mistake in mistakes]
    assert ["a.toml:" + str(line_of(first, "P R")), "code"] in told
    assert ["a.toml:" + str(line_of(first, 'code = ""')), "actions.1.code"] in told
    assert ["a.toml:" + str(line_of(first, "perhaps")), "actions.0.comment"] in told
    assert ["a.toml:" + str(line_of(first, "request_wrod")), "request_wrod"] in told
    assert ["a.toml", "request_word"] in told
    assert any(mistake.startswith("b.toml: ") and "line" in mistake for mistake in mistakes)
    assert len(mistakes) == 6


def test_mistakes_come_file_by_file_and_down_the_lines(tmp_path):
    """Whatever finds them: the shapes, a look at the calls or beside the file, or another file."""
    wrong = a_file(
        tmp_path,
        "b.toml",
        code='code = "P R"',
        word="",
        base_url='base_url = "http://erp.contoso.com"',
        comment='comment = "perhaps"',
        line='LINE = "/details/{Nonsense}"',
        resource='colour = 3\nresource = "',
    )
    (tmp_path / "b.toml").write_text(f'{wrong}\n[icons]\nsmall = "../x.png"\n', "utf-8")
    (tmp_path / "c.toml").write_text("name = =\n", "utf-8")
    a_file(tmp_path, "a.toml")
    a_file(tmp_path, "d.toml")

    places = [mistake.split(": ")[0] for mistake in mistakes_in(tmp_path)]

    lines = [int(place.partition(":")[2] or 0) for place in places if place.startswith("b.toml")]
    assert lines == sorted(lines)
    assert lines[:2] == [0, line_of(wrong, "P R")]  # what is missing is on no line
    assert len(lines) == 9
    files = [place.partition(":")[0] for place in places]
    assert files == sorted(files)
    assert set(files) == {"b.toml", "c.toml", "d.toml"}


def test_mistakes_of_one_line_come_by_their_fields(tmp_path):
    choices = ", ".join('{code = "", text = "x"}' for _ in range(12))
    a_file(tmp_path, comment=f'justification = "optional"\njustifications = [{choices}]')

    mistakes = mistakes_in(tmp_path)

    fields = [mistake.split(": ")[1] for mistake in mistakes]
    assert fields == [f"actions.0.justifications.{n}.code" for n in range(12)]


def test_an_unknown_name_in_a_table_is_a_mistake_with_its_line(tmp_path):
    text = a_file(tmp_path, networks="idempotnet = true")

    [mistake] = mistakes_in(tmp_path)

    line = line_of(text, "idempotnet")
    told = "api.idempotnet: is not known here; did you mean idempotent?"
    assert mistake == f"pr.toml:{line}: {told}"


def test_what_is_missing_in_a_table_is_told_at_the_table(tmp_path):
    text = a_file(tmp_path, base_url="")

    [mistake] = mistakes_in(tmp_path)

    assert mistake == f"pr.toml:{line_of(text, '[api]')}: api.base_url: is missing"


def test_what_may_stand_in_a_list_of_tables_is_named_too(tmp_path):
    text = a_file(tmp_path, comment='remark = "optional"')

    [mistake] = mistakes_in(tmp_path)

    told = f"pr.toml:{line_of(text, 'remark')}: actions.0.remark: is not known here; known are"
    assert mistake.startswith(f"{told} ")
    assert mistake.removeprefix(f"{told} ").split(", ") == sorted(Action.model_fields)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("code", 'code = "P R"', "must be up to 12 small letters and digits, a letter first"),
        ("code", "code = 7", 'must be text, in " "'),
        (
            "id",
            'document_type_id = "REQ"',
            "must be a GUID, as 93f9b688-ddc3-43aa-b617-c05a415d1612",
        ),
        ("name", 'name = ""', "may not be empty"),
        ("name", f'name = "{"x" * 161}"', "may have at most 160 characters"),
        ("comment", 'comment = "perhaps"', "must be 'none', 'optional' or 'required'"),
        ("action", 'action = "act"', "must begin with /"),
        ("networks", 'idempotent = "perhaps"', "must be true or false"),
        ("within", "answer_within = 0", "must be above 0"),
        ("within", "answer_within = 601", "must be at most 600"),
        ("within", 'answer_within = "soon"', "must be a number"),
        ("networks", 'networks = "10.0.0.0/8"', "must be a list, in [ ]"),
        (
            "networks",
            'networks = ["ten"]',
            "must be a network, as 10.1.0.0/16; must be a network, as fd00:1::/32",
        ),
        ("name", 'name = "Contoso"\nlimits = 3', "must be a table"),
        (
            "decide_by",
            'decide_by = "Due Date."',
            "must be names with a dot between two, as AdditionalData.DueDate",
        ),
    ],
)
def test_a_mistake_says_what_must_be_there(tmp_path, old, new, told):
    a_file(tmp_path, **{old: new})

    mistakes = mistakes_in(tmp_path)

    assert [mistake for mistake in mistakes if mistake.endswith(f": {told}")] != [], mistakes


def test_a_token_sent_in_the_clear_is_told_beside_every_other_mistake(tmp_path):
    text = a_file(
        tmp_path,
        base_url='base_url = "http://erp.contoso.com"',
        action='action = "/act/{Nonsense}"',
        word='request_wrod = "Purchase requisition"',
    )

    mistakes = mistakes_in(tmp_path)

    base = line_of(text, "erp.contoso.com")
    assert f"pr.toml:{base}: api.base_url: https is needed: a token goes there" in mistakes
    assert any("api.action: {Nonsense} is none of" in mistake for mistake in mistakes)
    assert any("request_wrod" in mistake for mistake in mistakes)


def test_a_folder_that_is_not_there_is_told(tmp_path):
    [mistake] = mistakes_in(tmp_path / "tenant")

    assert mistake == f"{tmp_path}/tenant: there is no such folder; APPROVALS_TENANTS names it"


def test_a_file_that_is_no_toml_or_no_text_is_told_as_such(tmp_path):
    (tmp_path / "a.toml").write_text("name = =\n", "utf-8")
    (tmp_path / "b.toml").write_bytes(b'name = "\xff"\n')

    first, second = mistakes_in(tmp_path)

    assert first.startswith("a.toml: is not TOML: ")
    assert "line 1" in first
    assert second == "b.toml: is not UTF-8"


@pytest.mark.parametrize(
    "base_url",
    [
        "http://purchasing.contoso.com",
        "http://10.0.0.5/api",
        "https://user:secret@purchasing.contoso.com",
        "https://purchasing.contoso.com?x=1",
        "https://purchasing.contoso.com:99999",
        "ftp://purchasing.contoso.com",
        "purchasing.contoso.com",
        "https://purchasing.contoso.com/a b",
    ],
)
def test_an_address_to_which_no_token_should_go(tmp_path, base_url):
    a_file(tmp_path, base_url=f'base_url = "{base_url}"')

    [mistake] = mistakes_in(tmp_path)

    assert ": api.base_url: " in mistake
    assert "secret" not in mistake


@pytest.mark.parametrize(
    "base_url", ["https://purchasing.contoso.com:8443/a", "http://127.0.0.1:1", "http://localhost"]
)
def test_an_address_that_is_fine(tmp_path, base_url):
    a_file(tmp_path, base_url=f'base_url = "{base_url}"')

    assert load_tenants(tmp_path).all()[0].api.base_url == base_url


@pytest.mark.parametrize(
    "path", ["/a/{Number}", "/a/{", "/a/{}", "/a/{DocumentNumber.x}", "/a b", "/é"]
)
def test_a_path_that_could_not_be_filled(tmp_path, path):
    text = a_file(tmp_path, line=f'LINE = "{path}"')

    [mistake] = mistakes_in(tmp_path)

    assert mistake.startswith(f"pr.toml:{line_of(text, 'LINE')}: api.details.LINE: ")


def test_a_path_must_be_a_path(tmp_path):
    a_file(tmp_path, action='action = "https://elsewhere.example/"')

    [mistake] = mistakes_in(tmp_path)

    assert ": api.action: " in mistake


def test_networks_are_networks(tmp_path):
    a_file(tmp_path, networks='networks = ["10.1.0.0/16", "10.0.0.1/8"]')

    [mistake] = mistakes_in(tmp_path)

    assert ": api.networks.1: " in mistake


def test_two_actions_with_one_code(tmp_path):
    text = a_file(tmp_path, reject='code = "APPROVE"')

    [mistake] = mistakes_in(tmp_path)

    assert mistake.endswith(": actions.1.code: two actions have the same code")
    assert mistake.startswith(f"pr.toml:{line_of(text, 'APPROVE')}: ")


def test_codes_and_ids_are_shared_by_no_two_files(tmp_path):
    first = a_file(tmp_path, "a.toml")
    a_file(tmp_path, "b.toml")
    line = line_of(first, OLD["code"])

    assert mistakes_in(tmp_path) == (
        f"b.toml:{line_of(first, ID)}: document_type_id: {ID} is the one of a.toml too",
        f"b.toml:{line}: code: pr is the one of a.toml too",
    )


def test_no_files_at_all(tmp_path):
    assert mistakes_in(tmp_path) == (f"{tmp_path}: no tenant's file (*.toml) is there",)
    assert mistakes_in(tmp_path / "nowhere")


def test_a_file_that_is_no_text(tmp_path):
    (tmp_path / "a.toml").write_bytes(b"\xff\xfe")

    [mistake] = mistakes_in(tmp_path)

    assert mistake.startswith("a.toml: ")


def test_the_error_reads_as_one_text(tmp_path):
    a_file(tmp_path, code='code = "P R"', name="")

    with pytest.raises(BadTenantFiles) as caught:
        load_tenants(tmp_path)

    assert str(caught.value).splitlines() == list(caught.value.mistakes)
    assert len(caught.value.mistakes) == 2


def test_a_list_whose_only_entry_is_wrong_is_not_called_empty(tmp_path):
    text = a_file(tmp_path)
    assert text.count("[[callers]]") == 1
    wrong = text.replace("[[callers]]", "[[callers]]\ncolour = 3")
    (tmp_path / "pr.toml").write_text(wrong, encoding="utf-8")

    [mistake] = mistakes_in(tmp_path)

    assert "colour: is not known here" in mistake


@pytest.mark.parametrize(
    "resource",
    [
        "https://graph.microsoft.com",
        " HTTPS://Graph.Microsoft.com./.default",
        "https://graph.microsoft.com:443//",
        "graph.microsoft.com:443",
        "api://graph.microsoft.com/",
        "//graph.microsoft.us",
        "https://contoso.sharepoint.com",
        "https://contoso.vault.azure.net/",
        "https://someone@management.azure.com",
        "https://microsoftgraph.chinacloudapi.cn",
        "00000003-0000-0000-C000-000000000000",
        "api://{797f4846-ba00-4fd7-ba43-dac1f8f63013}/",
        "spn:00000002-0000-0ff1-ce00-000000000000",
    ],
)
def test_a_token_for_microsofts_own_goes_to_no_tenant(tmp_path, resource):
    text = a_file(tmp_path, resource=f'resource = "{resource}" # "')

    [mistake] = mistakes_in(tmp_path)

    line = line_of(text, "resource =")
    assert mistake.startswith(f"pr.toml:{line}: api.resource: is Microsoft's own: ")


@pytest.mark.parametrize(
    "resource",
    [
        "api://contoso-purchasing",
        "https://notgraph.microsoft.com.contoso.example",
        "api://contoso.example/graph.microsoft.com",
        "8d1d1c55-0000-4000-8000-3c5f1d8a9f10",
    ],
)
def test_a_resource_of_the_tenant_is_taken(tmp_path, resource):
    a_file(tmp_path, resource=f'resource = "{resource}" # "')

    tenant = load_tenants(tmp_path).by_code("pr")

    assert tenant is not None
    assert tenant.api.resource == resource


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ('"x["', ":1: x["),
        ('"callers[0]"', ":1: callers[0]"),
        ('"lax-or-strict[x]"', ":1: lax-or-strict[x]"),
        ('"x\\u001b[31m"', ": x\\x1b[31m"),
        ('""', ": the whole file"),
    ],
)
def test_an_odd_key_is_told_and_the_other_tenants_are_kept(tmp_path, key, told):
    text = a_file(tmp_path, "good.toml")
    (tmp_path / "odd.toml").write_text(f"{key} = 2\n{text}", "utf-8")

    mistakes = mistakes_in(tmp_path)
    intact = read_intact(tmp_path)

    assert len(mistakes) == 1
    assert mistakes[0].startswith(f"odd.toml{told}: is not known here")
    assert ([*intact.files], intact.broken) == (["good.toml"], ["odd.toml"])


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ('[[callers]]\n"lax-or-strict[x]" = 2', "callers.0.lax-or-strict[x]: is not known here"),
        (
            '[api.details]\n"lax-or-strict[x]" = "x"',
            "api.details.lax-or-strict[x]: must begin with /",
        ),
    ],
)
def test_an_odd_key_in_a_table_is_told_by_its_name(tmp_path, table, why):
    head = table.partition("\n")[0]
    text = a_file(tmp_path)
    assert text.count(head) == 1
    (tmp_path / "pr.toml").write_text(text.replace(head, table), "utf-8")

    [mistake] = mistakes_in(tmp_path)

    assert why in mistake


def test_what_is_no_network_of_either_kind_is_told_at_its_entry(tmp_path):
    a_file(tmp_path, base_url='networks = ["10.0.0.0/8", "x"]\nbase_url = "https://erp.example"')

    [mistake] = mistakes_in(tmp_path)

    assert ": api.networks.1: must be a network, as 10.1.0.0/16; must be a network" in mistake


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (f"x = {'[' * 100_000}", "is nested too deep: take out brackets or braces"),
        (f"x = {'1' * 5_000}", "has a whole number with too many digits"),
    ],
)
def test_what_no_reader_of_toml_can_take_is_told_and_the_other_tenants_are_kept(
    tmp_path, entry, why
):
    a_file(tmp_path, "good.toml")
    (tmp_path / "odd.toml").write_text(entry, "utf-8")

    mistakes = mistakes_in(tmp_path)
    intact = read_intact(tmp_path)

    assert mistakes == (f"odd.toml: {why}",)
    assert ([*intact.files], intact.broken) == (["good.toml"], ["odd.toml"])


def test_a_line_of_very_many_blanks_holds_nothing_up(tmp_path):
    blanks = " " * 200_000
    (tmp_path / "pr.toml").write_text(f'x = """\n[{blanks}\n"""\n', "utf-8")

    assert "pr.toml:1: x: is not known here" in " ".join(mistakes_in(tmp_path))
