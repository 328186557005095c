"""One request to a page: who came, what they sent, and how they are answered."""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from eval_pipeline.adapters.review.records import Annotator
from eval_pipeline.adapters.review.sign_in import Session
from eval_pipeline.desk.problems import ProblemError
from eval_pipeline.desk.services import Services
from eval_pipeline.desk.templating import render
from eval_pipeline.desk.views import Frame, Person

ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
FRAGMENT = "x-desk-fragment"
LOCATION = "X-Desk-Location"
"""Of a fragment: the address of the page that it is the middle of."""


@dataclass(frozen=True)
class Visit:
    """A request to a page, its sender known and its form read."""

    services: Services
    request: Request
    session: Session | None
    at: dt.datetime
    form: Mapping[str, str] = field(default_factory=dict)

    @property
    def person(self) -> Annotator:
        """Who is signed in; raises `ProblemError` if nobody is."""
        if self.session is None:
            raise ProblemError(401)
        return self.session.annotator

    @property
    def annotator_id(self) -> str:
        """Whose request this is."""
        return self.person.annotator_id

    @property
    def lease_id(self) -> str:
        """The lease that the address names; raises `ProblemError` for what can be none."""
        return self.name_in_path("lease_id")

    def name_in_path(self, which: str) -> str:
        """An id that the address names; raises `ProblemError` for what can be none."""
        found = str(self.request.path_params[which])
        if not ID.fullmatch(found):
            raise ProblemError(404)
        return found

    @property
    def wants_fragment(self) -> bool:
        """Whether the page asks for the middle of the next one alone."""
        return self.request.headers.get(FRAGMENT) == "1"

    @property
    def weeks(self) -> tuple[str, ...]:
        """The weeks whose tasks are asked now."""
        return self.services.work.open_weeks(at=self.at)

    def frame(self, *, notice: str | None = None, error: str | None = None) -> Frame:
        """What stands around the page: menu, progress, and what there is to say."""
        if self.session is None:
            return Frame(None, "", None, notice=notice, error=error, now=self.at)
        progress = self.services.desk.progress(
            self.annotator_id,
            weeks=self.weeks,
            policy=self.services.work.lease_policy,
            at=self.at,
        )
        person = Person(
            self.annotator_id,
            may_adjudicate=self.person.may_adjudicate,
            may_administer=self.person.may_administer,
        )
        return Frame(
            person, self.session.csrf_token, progress, notice=notice, error=error, now=self.at
        )

    def page(
        self,
        name: str,
        view: object = None,
        *,
        location: str = "",
        status: int = 200,
        notice: str | None = None,
        error: str | None = None,
    ) -> Response:
        """The page, or its middle; `location` is its address if this request's is another."""
        fragment = self.wants_fragment
        text = render(
            name, frame=self.frame(notice=notice, error=error), view=view, fragment=fragment
        )
        headers = {LOCATION: location} if fragment and location else None
        return HTMLResponse(text, status_code=status, headers=headers)

    def redirect(self, location: str) -> Response:
        """The browser goes on to another page, by GET."""
        return RedirectResponse(location, status_code=303)
