"""What every handler of the desk works with, built once."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from eval_pipeline.adapters.review.answered import AnsweredTasks
from eval_pipeline.adapters.review.desk import Desk
from eval_pipeline.adapters.review.sign_in import SignIn
from eval_pipeline.desk.limits import RateLimits
from eval_pipeline.desk.proxies import TrustedProxies
from eval_pipeline.flows.desk import DeskWork
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.settings import DeskSettings


@dataclass(frozen=True)
class Services:
    """The desk's transactions, its people, its limits and the pipeline behind it."""

    work: DeskWork
    desk: Desk
    answered: AnsweredTasks
    sign_in: SignIn
    limits: RateLimits
    proxies: TrustedProxies
    settings: DeskSettings
    clock: Callable[[], dt.datetime]

    @classmethod
    def of(cls, pipeline: Pipeline, *, clock: Callable[[], dt.datetime]) -> Self:
        """Over the pipeline's store, which is opened now."""
        settings = pipeline.settings.desk
        return cls(
            work=DeskWork(pipeline),
            desk=pipeline.desk,
            answered=AnsweredTasks(pipeline.store),
            sign_in=pipeline.sign_in,
            limits=RateLimits(
                requests_per_minute=settings.requests_per_minute,
                sign_ins_per_minute=settings.sign_ins_per_minute,
            ),
            proxies=TrustedProxies(settings.trusted_proxies, header=settings.identity_header),
            settings=settings,
            clock=clock,
        )
