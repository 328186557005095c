"""A chat server on loopback that counts what it is asked; nothing of it is repeated or lost."""

from collections.abc import Callable

from tests.loopback import Loopback, Step

Treatment = Callable[[str, int], tuple[float, int, str]]
"""For a prompt's nth request: seconds to wait, HTTP status, text of the answer."""


def prompt_after(seconds: float) -> Treatment:
    """Gives the prompt back as the answer."""
    return lambda prompt, nth: (seconds, 200, prompt)


class CountingServer(Loopback):
    """Answers whole, with a header that names a version; `asked` and `answered` count."""

    def __init__(self, treat: Treatment | None = None) -> None:
        told = treat or prompt_after(0.0)

        def step(prompt: str, nth: int) -> Step:
            seconds, status, text = told(prompt, nth)
            return Step(status, text=text, delay=seconds, headers=("x-model-version: 7",))

        super().__init__(step)
