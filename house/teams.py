"""Teams: the door for its activities, and the channel that ends in people's chats."""

import asyncio
import random
from typing import NamedTuple

from approvals_core.adapters.graph import GraphApps
from approvals_core.adapters.tokens import TokenVerifier
from bots.teams.adapter import LeanAdapter, TeamsBot, TeamsDoor
from bots.teams.channel import TeamsChannel
from bots.teams.clicks import Clicks
from bots.teams.connector import Connector
from bots.teams.contacts import Contacts
from bots.teams.directories import Directories
from bots.teams.hosts import FIRST_CONTACT, ServiceUrls
from bots.teams.limits import Pace
from house.core import Core, Ground
from house.keys import Keys
from house.page import page_base


class Teams(NamedTuple):
    """What the house needs of it."""

    door: TeamsDoor
    channel: TeamsChannel
    directories: Directories


def make_teams(ground: Ground, core: Core, keys: Keys) -> Teams:
    """Make Teams' parts."""
    settings = ground.settings
    first_contact = settings.bot_service_url or FIRST_CONTACT[settings.cloud]
    service_urls = ServiceUrls([first_contact])
    connector = _connector(ground, service_urls)
    contacts = Contacts(store=ground.store, commits=core.commits)
    directories = Directories(now=ground.now)
    channel = TeamsChannel(
        connector=connector,
        contacts=contacts,
        directories=directories,
        first_contact=first_contact,
        now=ground.now,
        notice_line=ground.notice_line,
        apps=_apps(ground),
        pages=page_base(settings),
    )
    clicks = Clicks(
        approvals=core.approvals,
        contacts=contacts,
        notice_line=ground.notice_line,
        pages=page_base(settings),
    )
    bot = TeamsBot(
        click=clicks.click,
        submit=clicks.submit,
        text=clicks.text,
        install=clicks.install,
        connector=connector,
    )
    adapter = LeanAdapter(
        verifier=_verifier(ground, keys),
        service_urls=service_urls,
        directories=settings.directories,
    )
    return Teams(TeamsDoor(adapter, bot), channel, directories)


def _connector(ground: Ground, service_urls: ServiceUrls) -> Connector:
    settings = ground.settings
    return Connector(
        session=ground.session,
        tokens=ground.tokens,
        app_id=settings.bot_app_id,
        app_directory=settings.bot_directory,
        service_urls=service_urls,
        pace=Pace(ground.allowances, sleep=asyncio.sleep, per_second=settings.teams_per_second),
        sleep=asyncio.sleep,
        jitter=lambda: random.uniform(0.5, 1.5),  # noqa: S311 (spreads load, guards nothing)
        clock=ground.now,
        scope=settings.cloud.bot_scope,
        telemetry=ground.telemetry,
    )


def _apps(ground: Ground) -> GraphApps | None:
    settings = ground.settings
    if settings.teams_catalog_app_id is None:
        return None
    return GraphApps(
        session=ground.session,
        tokens=ground.tokens,
        clock=ground.now,
        app=settings.teams_catalog_app_id,
        url=settings.graph_url,
        scope=settings.cloud.graph_scope,
    )


def _verifier(ground: Ground, keys: Keys) -> TokenVerifier:
    return TokenVerifier(
        issuers=[keys.of_connector()],
        audiences=[ground.settings.bot_app_id],
        clock=ground.now,
    )
