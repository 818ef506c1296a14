"""A path at which there is nothing: what a person is shown, and when it is a person who asks. Pure but for its page."""

from operators.dashboard.visit import Page, Visit
from operators.errors import NoSuchThing

# What machines ask for stands below these.
_OF_MACHINES = ("/api", "/metrics", "/healthz", "/livez", "/openapi.json", "/static")


def is_for_a_person(method: str, path: str, accept: str) -> bool:
    """Whether a browser asks for a page: it looks, not below what is for machines, and would rather have HTML than anything."""
    of_machines = any(path == root or path.startswith(f"{root}/") for root in _OF_MACHINES)
    return method == "GET" and not of_machines and _favourite(accept) == "text/html"


def _favourite(accept: str) -> str:
    """The media type that is wanted most: by its weight, and of those with the same by what stands first."""
    weighed = [(_weight(part), part.partition(";")[0].strip().lower()) for part in accept.split(",")]
    return max(weighed, key=lambda one: one[0])[1]


def _weight(part: str) -> float:
    for parameter in part.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                return float(value)
            except ValueError:
                return 0
    return 1


async def page(_: Visit) -> Page:
    raise NoSuchThing("there is no page at this address")
