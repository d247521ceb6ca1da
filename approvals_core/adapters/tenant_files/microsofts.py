"""What is Microsoft's own, in all its clouds: a tenant's API is none of it."""

import re

# A token of ours for one of these would let the tenant's host do what our application may do
# there. Subdomains too (contoso.sharepoint.com).
_HOSTS = (
    "graph.microsoft.com",
    "graph.microsoft.us",
    "dod-graph.microsoft.us",
    "graph.microsoft.de",
    "microsoftgraph.chinacloudapi.cn",
    "graph.windows.net",
    "graph.microsoftazure.us",
    "graph.cloudapi.de",
    "graph.chinacloudapi.cn",
    "api.botframework.com",
    "api.botframework.us",
    "api.botframework.azure.us",
    "api.botframework.azure.cn",
    "management.azure.com",
    "management.core.windows.net",
    "management.usgovcloudapi.net",
    "management.core.usgovcloudapi.net",
    "management.chinacloudapi.cn",
    "management.core.chinacloudapi.cn",
    "management.microsoftazure.de",
    "management.core.cloudapi.de",
    "vault.azure.net",
    "vault.usgovcloudapi.net",
    "vault.azure.cn",
    "vault.microsoftazure.de",
    "storage.azure.com",
    "outlook.office.com",
    "outlook.office365.com",
    "outlook.office365.us",
    "outlook-dod.office365.us",
    "partner.outlook.cn",
    "outlook.office.de",
    "substrate.office.com",
    "substrate.office365.us",
    "api.spaces.skype.com",
    "login.microsoftonline.com",
    "login.microsoftonline.us",
    "login.partner.microsoftonline.cn",
    "login.chinacloudapi.cn",
    "login.microsoftonline.de",
    "sharepoint.com",
    "sharepoint.us",
    "sharepoint-mil.us",
    "sharepoint.cn",
    "sharepoint.de",
)
_APPS = frozenset(
    {
        "00000003-0000-0000-c000-000000000000",  # Graph
        "00000002-0000-0000-c000-000000000000",  # Azure AD Graph
        "00000002-0000-0ff1-ce00-000000000000",  # Exchange
        "00000003-0000-0ff1-ce00-000000000000",  # SharePoint
        "797f4846-ba00-4fd7-ba43-dac1f8f63013",  # Azure Resource Manager
        "cfa8b339-82a2-471a-a3c9-0fc0be7a4093",  # Key Vault
    }
)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:(?!\d+(?:/|$))[/\\]*")  # "host:443" has none
_HOST_ENDS = re.compile(r"[/\\?#]")


def is_microsofts(resource: str) -> bool:
    """Tell whether an App ID URI, or an application's id, names a service of Microsoft's, however written."""
    named = _SCHEME.sub("", resource.strip().lower(), count=1)
    host = _HOST_ENDS.split(named.lstrip("/\\"), maxsplit=1)[0]
    host = host.rpartition("@")[2].partition(":")[0].strip("{}. ")
    return host in _APPS or any(host == each or host.endswith(f".{each}") for each in _HOSTS)
