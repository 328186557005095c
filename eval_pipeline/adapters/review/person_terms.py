"""Which names and terms a person at the desk can have, and the errors that say so."""

from collections.abc import Mapping
from typing import Any, Final

from eval_pipeline.adapters.review.records import Annotator
from eval_pipeline.errors import ReviewError

LONGEST_NAME: Final = 80


def require_same_terms(found: Annotator, terms: Mapping[str, Any]) -> None:
    """Raises `ReviewError` if the person left or is known on other terms."""
    if found.left_at is not None:
        raise annotator_left(found)
    if all(getattr(found, name) == term for name, term in terms.items()):
        return
    rights = [
        f"{'with' if found.may_adjudicate else 'without'} the right to adjudicate",
        f"{'with' if found.may_administer else 'without'} the right to administer",
        "with the policy's budget"
        if found.weekly_budget is None
        else f"with a budget of {found.weekly_budget} a week",
    ]
    raise ReviewError(
        f"The annotator '{found.annotator_id}' is already known as {found.kind}, "
        f"{', '.join(rights)}. The store is unchanged. Change these terms by "
        "`eval-pipeline review change-reviewer`, or add them under another name."
    )


def check_name(annotator_id: str) -> None:
    """Raises `ReviewError` unless it is 1 to 80 printable characters."""
    tidy = annotator_id.strip() == annotator_id and annotator_id.isprintable()
    if not tidy or not 0 < len(annotator_id) <= LONGEST_NAME:
        raise ReviewError(
            f"A name at the desk has 1 to {LONGEST_NAME} characters, all of them printable, and "
            "no space at its ends. The store is unchanged. Choose another name."
        )


def check_budget(weekly_budget: int | None) -> None:
    """Raises `ReviewError` for a negative one; null is the policy's."""
    if weekly_budget is not None and weekly_budget < 0:
        raise ReviewError(
            f"A budget of {weekly_budget} answers a week is not possible. The store is "
            "unchanged. Give 0 or more, or nothing for the policy's."
        )


def unknown_annotator(annotator_id: str) -> ReviewError:
    """The error for a name that nobody has."""
    return ReviewError(
        f"There is no annotator {annotator_id!r}. The store is unchanged. `eval-pipeline review "
        "reviewers` lists them; add one by `eval-pipeline review add-reviewer`."
    )


def annotator_left(person: Annotator) -> ReviewError:
    """The error for a person who is not at the desk any more."""
    return ReviewError(
        f"The annotator '{person.annotator_id}' left the desk on {person.left_at:%Y-%m-%d}. The "
        "store is unchanged. They come back by `eval-pipeline review change-reviewer --back`."
    )
