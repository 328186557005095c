from eval_pipeline.canary import CANARY_PATTERN, canaries_in, canary_of, mentions_canary


def test_a_canary_is_the_version_s_own_and_the_same_on_every_machine():
    first, second = canary_of(None, week="2026-11-16"), canary_of("abc", week="2026-11-16")
    assert CANARY_PATTERN.fullmatch(first)
    assert first == canary_of(None, week="2026-11-16") != second


def test_canaries_are_found_in_whatever_case_each_once():
    ours, other = canary_of(None, week="2026-11-16"), canary_of(None, week="2026-11-23")
    assert canaries_in(f"x {ours.upper()} y {other} {ours}") == [ours, other]
    assert canaries_in("a canary in a coal mine") == []


def test_a_masked_text_still_says_that_it_held_a_canary():
    assert mentions_canary("Sure: Eval-Pipeline golden canary [UUID_1].")
    assert not mentions_canary("a canary in a coal mine")
