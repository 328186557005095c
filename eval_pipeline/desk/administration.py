"""What administrators see and do: the desk as a whole, withdrawals, tokens."""

from starlette.responses import Response

from eval_pipeline.desk.forms import WithdrawalForm
from eval_pipeline.desk.overview import overview_view
from eval_pipeline.desk.problems import ProblemError
from eval_pipeline.desk.visits import Visit
from eval_pipeline.flows.people import withdraw_labels


def overview(visit: Visit) -> Response:
    """Annotators, throughput, agreement and what is stuck, over the open weeks or one week."""
    week = visit.request.query_params.get("week") or None
    known = visit.services.work.weeks()
    if week is not None and week not in known:
        raise ProblemError(404, message="No tasks were ever opened in that week.")
    view = overview_view(visit.services, week=week, known=known, at=visit.at)
    return visit.page("overview", view, location="/overview" + (f"?week={week}" if week else ""))


def withdraw(visit: Visit) -> Response:
    """Takes back a careless person's labels of the open weeks; their tasks open again."""
    form = WithdrawalForm.of(visit.form)
    if form.annotator_id not in {person.annotator_id for person in visit.services.work.people()}:
        raise ProblemError(404, message="There is no such annotator.")
    withdraw_labels(
        visit.services.work.pipeline,
        form.annotator_id,
        weeks=visit.weeks,
        reason=form.reason,
        by=visit.annotator_id,
    )
    return _back(visit)


def revoke(visit: Visit) -> Response:
    """Ends a token and the sessions that it opened."""
    token_id = visit.name_in_path("token_id")
    if not visit.services.sign_in.revoke_token(token_id, by=visit.annotator_id, at=visit.at):
        raise ProblemError(404, message="There is no such active token.")
    return _back(visit)


def _back(visit: Visit) -> Response:
    return overview(visit) if visit.wants_fragment else visit.redirect("/overview")
