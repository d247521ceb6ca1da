"""The fixed names of the playground: directories, applications, issuers. None of them depends on a port."""

import uuid
from typing import NamedTuple

DIRECTORY = "11111111-aaaa-4aaa-8aaa-111111111111"  # the organization's
OTHER_DIRECTORY = "99999999-aaaa-4aaa-8aaa-999999999999"  # a stranger's
DIRECTORIES = frozenset({DIRECTORY, OTHER_DIRECTORY})
DOMAIN = "organization.com"

BOT_APP = "22222222-bbbb-4bbb-8bbb-222222222222"
CATALOG_APP = (
    "77777777-bbbb-4bbb-8bbb-777777777777"  # the Teams app in the organization's catalogue
)
INTAKE_APP = "33333333-cccc-4ccc-8ccc-333333333333"  # our API, which tenants post to
INTAKE_URI = "api://approvals.playground.example"
PURCHASING_APP = "44444444-dddd-4ddd-8ddd-444444444444"  # the sample tenant when it calls us
PURCHASING_API = "55555555-eeee-4eee-8eee-555555555555"  # the sample tenant's own API
PURCHASING_URI = "api://purchasing.contoso.example"
STRANGER_APP = "66666666-ffff-4fff-8fff-666666666666"  # registered in the directory, for no tenant

SEND_ROLE = "Payload.Post"  # the role our API demands of whoever posts an ARX
DOCUMENT_TYPE = "93f9b688-ddc3-43aa-b617-c05a415d1612"


class Registration(NamedTuple):
    """A sample tenant as it is registered: with the service, and in the directory."""

    code: str
    document_type: str
    app: str  # which it is when it calls us
    api: str  # its own APIs', the audience of our tokens
    uri: str  # App ID URI of *api*
    by_itself: bool = False  # sends the ARX that follows from a decision


PURCHASING = Registration("pr", DOCUMENT_TYPE, PURCHASING_APP, PURCHASING_API, PURCHASING_URI)
EXPENSES = Registration(
    code="expenses",
    document_type="5b1d0e1c-7a54-4c1e-9a53-3f2f6f0c9e21",
    app="44444444-dddd-4ddd-8ddd-444444444445",
    api="55555555-eeee-4eee-8eee-555555555556",
    uri="api://expenses.contoso.example",
    by_itself=True,
)
CAPEX = Registration(
    code="capex",
    document_type="c3f0a7d2-18b9-4d6e-8f35-7a9e2b64c1d0",
    app="44444444-dddd-4ddd-8ddd-444444444446",
    api="55555555-eeee-4eee-8eee-555555555557",
    uri="api://capital.contoso.example",
    by_itself=True,
)
TENANTS = (PURCHASING, EXPENSES, CAPEX)

ENTRA_ISSUER = "https://login.playground.example/{directory}/v2.0"
ENTRA_V1_ISSUER = "https://sts.playground.example/{directory}/"
BOT_ISSUER = "https://botconnector.playground.example"
BOT_FRAMEWORK = "https://api.botframework.com"  # audience of what the bot sends to Teams
GRAPH = "https://graph.microsoft.com"
TEAMS_APP = str(uuid.uuid5(uuid.UUID(BOT_APP), "teams-app"))  # id in the app's manifest
GRAPH_ROLES = (  # what the bot's application was granted, with an administrator's consent
    "User.Read.All",
    "AppCatalog.Read.All",
    "TeamsAppInstallation.ReadWriteSelfForUser.All",
    "Mail.Send",
)
EXCHANGE = "https://outlook.office365.com"  # audience of tokens for mail over SMTP
EXCHANGE_ROLES = ("SMTP.SendAsApp",)
MAIL_FROM = f"approvals@{DOMAIN}"  # the mailbox that the bot's application may send from


ORIGINATOR = (
    "88888888-bbbb-4bbb-8bbb-888888888888"  # provider id of the actionable messages' portal
)
OUTLOOK_APP = "88888888-cccc-4ccc-8ccc-888888888888"  # the Entra application behind that provider
OUTLOOK_URI = f"api://auth-am-{ORIGINATOR}/{OUTLOOK_APP}"  # the portal makes it of both
OUTLOOK_SCOPE = "Mails.Act"
