"""Looks up whom an approver named as the next one, before his decision is committed."""

import asyncio
from gettext import gettext as _

from approvals_core.errors import DirectoryUnavailable, NotLookedUp
from approvals_core.models import Approval, Person
from approvals_core.ports import Directory
from approvals_core.rules.new_approver import Candidate, object_id
from approvals_core.tenant import Tenant

WITHIN = 8.0  # seconds, for all that is asked; less than a service that ends waits for clicks


async def look_up(
    directory: Directory, tenant: Tenant, approval: Approval, chosen: str
) -> Candidate:
    """
    Return what the tenant's directory says of the one *chosen*, and who made the request.

    Raises:
        ActionIncomplete: What was chosen is no object id.

        NotLookedUp: The directory did not answer.
    """
    wanted = object_id(chosen)
    alias = approval.content.submitter.alias if approval.content else ""
    asked = [directory.find(tenant, name) for name in (wanted, alias) if name]
    try:
        async with asyncio.timeout(WITHIN):
            found, *submitters = await asyncio.gather(*asked)
    except (DirectoryUnavailable, TimeoutError) as problem:
        raise NotLookedUp(
            _("The new approver could not be looked up, so nothing was decided. Please try again.")
        ) from problem
    submitter = next((one for one in submitters if isinstance(one, Person)), None)
    return Candidate(found=found, submitter=submitter)
