"""Microsoft's clouds: whose tokens count in each, and where its services are."""

from enum import StrEnum

ENTRA_ISSUER = "https://login.microsoftonline.com/{directory}/v2.0"
# The same in every cloud but China's (MicrosoftDocs/entra-docs, access-tokens.md).
ENTRA_V1_ISSUER = "https://sts.windows.net/{directory}/"
ENTRA_LOGIN_URL = "https://login.microsoftonline.com"
BOT_ISSUER = "https://api.botframework.com"
BOT_OPENID_URL = "https://login.botframework.com/v1/.well-known/openidconfiguration"
GRAPH_URL = "https://graph.microsoft.com/v1.0"


class Cloud(StrEnum):
    """Which of Microsoft's clouds the bot is registered in."""

    PUBLIC = "public"
    GCC = "gcc"
    GCCH = "gcch"
    DOD = "dod"

    @property
    def bot_scope(self) -> str:
        """Return the scope of the token that the Bot Connector wants."""
        us = self in (Cloud.GCCH, Cloud.DOD)
        return f"https://api.botframework.{'us' if us else 'com'}/.default"

    @property
    def mail_scope(self) -> str:
        """Return the scope of the token that Exchange wants from who sends mail over SMTP."""
        hosts = {Cloud.GCCH: "outlook.office365.us", Cloud.DOD: "webmail.apps.mil"}
        return f"https://{hosts.get(self, 'outlook.office365.com')}/.default"

    @property
    def graph_scope(self) -> str:
        """Return the scope of the token that Graph wants: its own host's, whatever we call."""
        hosts = {Cloud.GCCH: "graph.microsoft.us", Cloud.DOD: "dod-graph.microsoft.us"}
        return f"https://{hosts.get(self, 'graph.microsoft.com')}/.default"


# Entra and Graph of the clouds that have their own (learn.microsoft.com, national clouds;
# bot-docs "Azure Government"). GCC uses the public ones.
OWN = {
    Cloud.GCCH: (
        "https://login.microsoftonline.us",
        "https://api.botframework.us",
        "https://login.botframework.azure.us/v1/.well-known/openidconfiguration",
        "https://graph.microsoft.us/v1.0",
    ),
    Cloud.DOD: (
        "https://login.microsoftonline.us",
        "https://api.botframework.us",
        "https://login.botframework.azure.us/v1/.well-known/openidconfiguration",
        "https://dod-graph.microsoft.us/v1.0",
    ),
}
