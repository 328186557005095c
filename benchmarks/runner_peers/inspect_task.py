"""The same questions as an Inspect task; `-T calls=N` says how many."""

from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.scorer import includes
from inspect_ai.solver import generate, system_message

SYSTEM = "You are a careful assistant. Answer in one sentence."


@task
def questions(calls: int = 2000) -> Task:
    """One sample a call, scored by whether the answer holds a word."""
    return Task(
        dataset=[
            Sample(
                id=number,
                input=f"Is this all right? This is request {number}",
                target="Yes",
            )
            for number in range(calls)
        ],
        solver=[system_message(SYSTEM), generate()],
        scorer=includes(),
    )
