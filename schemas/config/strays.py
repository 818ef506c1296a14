"""Keys and variables that mean nothing: what was probably meant."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from schemas.config.inspection import shown_word
from schemas.config.suggest import nearest
from schemas.config.written import NAMED, SECTIONS, WrittenSource

DOCS = "docs/configuration.md lists every key"

_KEYS_HOLDING_SECRETS = {
    "api_key": "api_key_env",
    "apikey": "api_key_env",
    "key": "api_key_env",
    "api_token": "api_key_env",
    "webhook_secret": "webhook_secrets_env",
    "webhook_secrets": "webhook_secrets_env",
    "signing_secret": "webhook_secrets_env",
    "secret": "webhook_secrets_env",
    "secrets": "webhook_secrets_env",
    "token": "token_env",
    "read_token": "read_token_env",
    "password": "token_env",
}
_TOKENS = ("token_env", "read_token_env")


def instead_of_secret(word: str, known: Collection[str]) -> str | None:
    """The key that names a secret, for a key that was to hold it: `api_key` → `api_key_env`."""
    named = _KEYS_HOLDING_SECRETS.get(word.lower())
    if named == "token_env" and named not in known:
        named = "api_key_env"
    if named == "webhook_secrets_env" and named not in known:
        named = "secret_env"
    return named if named is not None and named in known else None


def naming(key: str) -> str:
    """How a key that names variables is written, with the one beside it that names files."""
    value = '["NAME_OF_A_VARIABLE"]' if key == "webhook_secrets_env" else '"NAME_OF_A_VARIABLE"'
    files = key.replace("_env", "_file")
    return f"remove it, put the secret into a variable and write {key} = {value}, or name a file with {files}"


def unknown_key(section: str, word: str, known: Sequence[str]) -> tuple[str, str]:
    """What is wrong with a key that a table does not have, and what to do."""
    holder = instead_of_secret(word, known)
    if holder:
        return "a secret must not stand in the file", naming(holder)
    what = f"there is no such key in [{section}]"
    guess = nearest(word, known)
    if guess:
        return what, f"did you mean {guess}?"
    elsewhere = homes(word)
    if elsewhere:
        return what, f"it belongs to {' or '.join(f'[{name}]' for name in elsewhere)}; move it there"
    return what, f"remove it; the keys of [{section}] are {', '.join(known)}"


def unknown_table(word: str) -> tuple[str, str]:
    """What is wrong with a table, or a key outside of all tables, that the file does not have."""
    what = "there is no such table or key at the top of the file"
    holder = instead_of_secret(word, [*WrittenSource.model_fields, *_TOKENS])
    if holder:
        table = "operators" if holder in _TOKENS else "sources.NAME"
        return "a secret must not stand in the file", f"{naming(holder)}, in [{table}]"
    guess = nearest(word, [*SECTIONS, *NAMED])
    if guess:
        return what, f"did you mean [{f'{guess}.NAME' if guess in NAMED else guess}]?"
    elsewhere = homes(word)
    if elsewhere:
        return what, f"it belongs to {' or '.join(f'[{name}]' for name in elsewhere)}; move it there"
    return what, f"remove it; the tables are {', '.join([*SECTIONS, *(f'{named}.NAME' for named in NAMED)])}"


def advice(variable: str, rest: str, names: Mapping[str, Iterable[str]]) -> tuple[str, str]:
    """
    What is wrong with a variable that is no key, and what to do. `rest` is its name after the prefix, `names` those that
    tables such as [sources.NAME] have.
    """
    shown = shown_word(variable)
    known = NAMED["handoffs"].model_fields if rest.startswith("handoffs__") else WrittenSource.model_fields
    holder = instead_of_secret(rest.rpartition("__")[2], [*known, *_TOKENS])
    if holder and "__" in rest:
        return (
            "there is no such key: a secret is named, not given",
            f"unset {shown}, export the secret under a name of its own and name that with {holder}",
        )
    guesses = [f"{home.replace('.', '__')}__{rest}" for home in homes(rest)]
    guess = nearest(rest, _known(names))
    if guess and not guesses:
        guesses = [guess]
    meant = " or ".join(f"BATCHKEEPER_{guess.upper()}" for guess in guesses)
    otherwise = f"unset {shown}, or name it in the file with token_env or api_key_env if it holds a secret"
    if meant:
        return "there is no such key", f"did you mean {meant}? Else {otherwise}"
    return "there is no such key", f"{otherwise}; {DOCS}"


def homes(word: str) -> list[str]:
    """The tables that have a key of this name."""
    found = [name for name, model in SECTIONS.items() if word in model.model_fields]
    return found or [f"{name}.NAME" for name, model in NAMED.items() if word in model.model_fields]


def _known(names: Mapping[str, Iterable[str]]) -> list[str]:
    """Every variable there could be, without the prefix, in lower case."""
    plain = [f"{name}__{key}" for name, model in SECTIONS.items() for key in model.model_fields]
    named = [f"{word}__{name}__{key}" for word in names for name in names[word] for key in NAMED[word].model_fields]
    return [*plain, *named, "config"]
