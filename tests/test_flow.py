"""The main job, through real HTTP on both sides: a request goes in, cards appear, a click goes through."""

from tests.running import Running


async def test_from_the_tenants_create_to_the_last_card(running: Running) -> None:
    answer = await running.send("wiki-create")
    await running.asked("johndoe1", "johndoe2", "johndoe3")

    answered = await running.click("johndoe1", "Approve", "Within Budget")

    assert answer["Disposition"] == "applied"
    assert answered.status == 200
    [told] = running.told()
    assert told.body["Action"] == "Approve"
    assert told.body["ActionByAlias"] == "johndoe1"
    assert told.body["ActionDetails"]["Comment"] == "Within Budget"
    assert "Approved" in running.text_of("johndoe1")
    for alias in ("johndoe1", "johndoe2", "johndoe3"):
        await running.says(alias, "Maria Keller", "Within Budget")
        assert not running.can_decide(alias)

    await running.send("wiki-update")
    await running.asked("johndoe2", "johndoe3")
    await running.says("johndoe1", "Nothing more")

    await running.send("wiki-delete")
    assert running.can_decide("johndoe2")
    assert running.can_decide("johndoe3")

    await running.send("wiki-delete", DeleteFor=["johndoe2", "johndoe3"])
    await running.until(lambda: not running.can_decide("johndoe2"))
    await running.until(lambda: not running.can_decide("johndoe3"))
