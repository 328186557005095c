import asyncio

from eval_pipeline.demo.load_limits import LoadLimits, TokenBucket
from eval_pipeline.demo.server_options import read_options


def test_a_bucket_serves_its_burst_at_once_and_its_rate_for_good() -> None:
    bucket = TokenBucket(per_second=2.0, burst=3.0)
    assert [bucket.take(0.0) for _ in range(4)] == [True, True, True, False]
    # half a second brings one token
    assert bucket.seconds_until_token == 0.5
    assert [bucket.take(0.4), bucket.take(0.5), bucket.take(0.5)] == [False, True, False]


def test_a_bucket_never_holds_more_than_its_burst() -> None:
    bucket = TokenBucket(per_second=10.0, burst=2.0)
    assert bucket.take(0.0)
    assert [bucket.take(100.0) for _ in range(3)] == [True, True, False]


def test_a_refusal_says_how_long_to_wait_and_every_reply_what_the_limit_is() -> None:
    limits = LoadLimits(TokenBucket(per_second=4.0, burst=1.0))
    assert limits.fault_at(0.0) is None
    fault = limits.fault_at(0.05)
    assert fault is not None
    # .2 of a token are there: .8 / 4
    assert (fault.status, fault.headers["Retry-After"]) == (429, "0.200")
    assert limits.headers()["x-ratelimit-limit-requests"] == "240"
    assert LoadLimits().headers() == {}


def test_no_more_answers_are_worked_on_at_once_than_there_are_workers() -> None:
    async def most_at_once() -> int:
        limits, working, most = LoadLimits(capacity=2), 0, 0

        async def one() -> None:
            nonlocal working, most
            async with limits.worker():
                working += 1
                most = max(most, working)
                await asyncio.sleep(0)
                working -= 1

        await asyncio.gather(*(one() for _ in range(6)))
        return most

    assert asyncio.run(most_at_once()) == 2


def test_limits_are_planted_by_options() -> None:
    limits = read_options(["--requests-per-second", "20", "--burst", "5", "--capacity", "8"]).limits
    assert limits.bucket is not None
    assert (limits.bucket.per_second, limits.bucket.burst, limits.capacity) == (20.0, 5.0, 8)
    assert read_options([]).limits.bucket is None
