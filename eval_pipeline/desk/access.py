"""Who may come where: each route of the desk declares one of these."""

from enum import Enum

from eval_pipeline.adapters.review.records import Annotator


class Access(Enum):
    """Whom a route is for. A role includes no other but to be at the desk."""

    UNSEEN = "whoever asks; nobody looks who it is"
    EVERYBODY = "everybody"
    AT_THE_DESK = "a person at the desk"
    ADJUDICATOR = "an adjudicator"
    ADMINISTRATOR = "an administrator"

    def admits(self, annotator: Annotator | None) -> bool:
        """Whether this person may come here; None is someone who is not signed in."""
        if self in (Access.UNSEEN, Access.EVERYBODY):
            return True
        if annotator is None or annotator.left_at is not None:
            return False
        if self is Access.ADJUDICATOR:
            return annotator.may_adjudicate
        if self is Access.ADMINISTRATOR:
            return annotator.may_administer
        return True
