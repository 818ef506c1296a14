"""What a secret must be like for the work it does: an API key, an operators' token, a webhook secret."""

import re
from collections.abc import Iterable

from schemas.config.inspection import Inspection, Key, shown
from schemas.config.places import Found, Places

MOST_WEBHOOK_SECRETS = 3
SHORTEST = 16
ADVISED = 24
PREFIX = "whsec_"

_HEADER = re.compile(r"[!-~]+")


def bearer(
    table: Key,
    stem: str,
    named: tuple[str | None, str | None],
    places: Places,
    inspection: Inspection,
    in_header: bool = True,
) -> Found | None:
    """A secret that is shown to a provider: the one that `STEM_env` or `STEM_file` names."""
    variable, file = named
    by_variable, by_file = (*table, f"{stem}_env"), (*table, f"{stem}_file")
    if variable is not None and file is not None:
        inspection.problem(by_file, f"{stem}_env and {stem}_file are both given", "remove one of the two")
        return None
    found = None
    if variable is not None:
        found = places.variable(by_variable, variable)
    if file is not None:
        found = places.file(by_file, file)
    if found and in_header and not _HEADER.fullmatch(found.secret.reveal()):
        inspection.problem(
            found.key, f"{found.place} holds characters that cannot be sent in a header", "copy the secret again"
        )
        return None
    return found


def long_enough(found: Found, inspection: Inspection) -> bool:
    """Can this token not be guessed?"""
    if len(found.secret.reveal()) >= SHORTEST:
        return True
    inspection.problem(
        found.key,
        f"the token in {found.place} is shorter than {SHORTEST} characters",
        "make a longer one, such as by: openssl rand -hex 32",
    )
    return False


def webhook_secrets(
    table: Key, variables: tuple[str, ...], files: tuple[str, ...], places: Places, inspection: Inspection
) -> tuple[Found, ...]:
    """The live webhook secrets of one source, as far as they can be used."""
    by_variable, by_file = (*table, "webhook_secrets_env"), (*table, "webhook_secrets_file")
    count = len(variables) + len(files)
    if count > MOST_WEBHOOK_SECRETS:
        inspection.problem(
            by_variable if variables else by_file,
            f"there are {count} webhook secrets, and at most {MOST_WEBHOOK_SECRETS} may be live at once",
            "remove those that the provider no longer signs with",
        )
    read = [
        *(places.variable(by_variable, name) for name in variables),
        *(places.file(by_file, path) for path in files),
    ]
    return tuple(found for found in read if found and _is_strong(found, inspection))


def refuse_shared(secrets: Iterable[Found], inspection: Inspection) -> None:
    """One secret, one holder: what is signed with a shared one could be meant for either."""
    first: dict[str, Found] = {}
    for found in secrets:
        # Some take the prefix for a part of the key, and some decode what follows it: what could be the same key is the same.
        holder = first.setdefault(found.secret.reveal().removeprefix(PREFIX).rstrip("="), found)
        if holder is found:
            continue
        if holder.key[:-1] == found.key[:-1]:
            inspection.problem(
                found.key, f"{holder.place} and {found.place} hold the same secret", "remove one of them"
            )
        else:
            inspection.problem(
                found.key,
                f"{found.place} holds the same secret as {shown(holder.key[:-1])} ({holder.place})",
                "give each source a secret of its own; whoever knows one could speak for both",
            )


def _is_strong(found: Found, inspection: Inspection) -> bool:
    key = found.secret.reveal().encode()
    fix = "copy the whole secret from the provider, or make a longer one: openssl rand -base64 32"
    if not key.removeprefix(PREFIX.encode()).strip():
        inspection.problem(found.key, f"{found.place} holds the prefix {PREFIX} and no secret", fix)
        return False
    if len(key) < SHORTEST:
        inspection.problem(
            found.key, f"the secret in {found.place} has {len(key)} bytes, and needs at least {SHORTEST}", fix
        )
        return False
    if len(key) < ADVISED:
        inspection.warning(
            found.key, f"the secret in {found.place} has {len(key)} bytes; {ADVISED} or more are advised", fix
        )
    return True
