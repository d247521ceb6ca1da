"""The people of the playground's directories, among them some with whom things go wrong."""

import uuid

from pydantic import BaseModel

from playground.names import DIRECTORY, DOMAIN, OTHER_DIRECTORY

_SPACE = uuid.UUID("6f1f2a52-7c39-4b0f-9a53-0c6b5d0a9f11")


class Person(BaseModel, frozen=True):
    """One account of a directory. *alias* is unique in the playground; by default the first part of the UPN."""

    alias: str
    name: str
    job: str = ""
    directory: str = DIRECTORY
    user_principal_name: str
    mail_nickname: str
    enabled: bool = True
    user_type: str = "Member"
    has_chat: bool = False  # shown side by side on the page
    locale: str = "en-US"
    zone: str = "Europe/Berlin"

    @property
    def object_id(self) -> str:
        return str(uuid.uuid5(_SPACE, f"{self.directory}/{self.alias}"))

    @property
    def mri(self) -> str:
        """The id by which Teams knows the person towards this bot."""
        return "29:1" + uuid.uuid5(_SPACE, f"mri/{self.directory}/{self.alias}").hex

    @property
    def conversation(self) -> str:
        """The id of the 1:1 chat with the bot: always the same one."""
        return "a:1" + uuid.uuid5(_SPACE, f"chat/{self.directory}/{self.alias}").hex


def _person(alias: str, name: str, **more: object) -> Person:
    fields = {
        "user_principal_name": f"{alias}@{DOMAIN}",
        "mail_nickname": alias,
        **more,
    }
    return Person.model_validate({"alias": alias, "name": name, **fields})


def everybody() -> dict[str, Person]:
    """Return the people of the playground by alias."""
    people = [
        _person("johndoe1", "Maria Keller", job="Line manager", has_chat=True),
        _person("johndoe2", "Jonas Berg", job="Finance", has_chat=True),
        _person("johndoe3", "Priya Nair", job="CFO", has_chat=True),
        _person("johndoe4", "Tom Okafor"),
        _person("johndoe5", "Lena Voss"),
        _person("johndoe11", "Ana Ruiz", job="Product Design"),
        _person("johndoe20", "Dora Disabled", enabled=False),
        _person(
            "guest1",
            "Gil Guest",
            user_type="Guest",
            user_principal_name=f"gil_partner.example#EXT#@{DOMAIN}",
        ),
        _person("twin1", "Uma Twin", mail_nickname="twin"),
        _person("twin2", "Ulf Twin", mail_nickname="twin"),
        _person("nicky", "Nick Name", mail_nickname="o'neil"),
        _person(
            "mallory",
            "Mallory Elsewhere",
            directory=OTHER_DIRECTORY,
            user_principal_name="johndoe1@elsewhere.example",
            mail_nickname="johndoe1",
        ),
    ]
    return {person.alias: person for person in people}
