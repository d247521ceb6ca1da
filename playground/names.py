"""The fixed names of the playground: directories, applications, issuers. None of them depends on a port."""

import uuid

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
)
