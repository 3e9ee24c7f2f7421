"""What the API promises and this version does not have yet."""

from __future__ import annotations

from appliance.web.route import OWN, STAFF, Route, not_built

_RESOURCES = (
    ("customers", OWN, "Customers"),
    ("campaigns", STAFF, "Campaigns"),
    ("contacts", STAFF, "Contacts of campaigns"),
    ("scripts", OWN, "Talk scripts"),
    ("articles", OWN, "Articles (FAQ)"),
)

ROUTES: tuple[Route, ...] = (
    *(not_built("GET", f"/{name}", roles, summary) for name, roles, summary in _RESOURCES),
    *(not_built("POST", f"/{name}", roles, f"{summary}: add one") for name, roles, summary in _RESOURCES),
    *(not_built("GET", f"/{name}/{{id}}", roles, f"{summary}: one") for name, roles, summary in _RESOURCES),
    *(not_built("PUT", f"/{name}/{{id}}", roles, f"{summary}: change one") for name, roles, summary in _RESOURCES),
    not_built("GET", "/reports/{name}", STAFF, "A report"),
)
