"""One target under atheris, in a process of its own: it never returns. `python -m fuzz.one TARGET CORPUS [-libfuzzer=options]`"""

import sys

import atheris

with atheris.instrument_imports(include=["schemas", "receiver", "email"]):
    from fuzz import receiver, targets


def main() -> None:
    name, *rest = sys.argv[1:]
    check = {**targets.TARGETS, **receiver.TARGETS}[name].check

    def tried(data: bytes) -> None:
        try:
            check(data)
        except BaseException:
            receiver.stop()
            raise

    atheris.Setup([sys.argv[0], *rest], tried)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
