from inspect_ai import Epochs, Task, task
from inspect_ai.dataset import Sample
from inspect_ai.scorer import includes, match
from inspect_ai.solver import generate

Q = [
    ("7 plus 5", "12", ["small", "plain"]),
    ("7 plus 8", "15", ["small"]),
    ("teapot 1 plus 1", "2", ["small"]),
    ("40 plus 45", "85", ["large"]),
    ("41 plus 45", "86", ["large"]),
    ("7 plus 6 slowly", "13", ["small"]),
    ("20 plus 20", "40", ["large"]),
    ("2 plus 2", "4", ["small"]),
]


@task
def sums():
    return Task(
        dataset=[
            Sample(
                id=f"sum-{i}",
                input=f"Add these numbers and answer with the sum alone: {q}",
                target=t,
                metadata={"subsets": s, "conversation": f"c{i // 2}"},
            )
            for i, (q, t, s) in enumerate(Q)
        ],
        solver=generate(),
        scorer=[match(location="exact"), includes()],
        epochs=Epochs(1),
        fail_on_error=False,
        time_limit=4,
    )
