"""A tolerance that no reachable sample can certify is refused where it stands in the file."""

from pathlib import Path

import pytest

from eval_pipeline.errors import SettingsError
from eval_pipeline.settings import GateSettings, least_items
from eval_pipeline.settings_file import parse_settings

SHIPPED = (Path(__file__).parents[2] / "eval_pipeline.yaml").read_text(encoding="utf-8")
DEMO_LOOKS = "looks: [100, 200, 400]"


def line_of(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


@pytest.mark.parametrize(
    ("tolerance", "least"), [(0.01, 299), (0.02, 149), (0.03, 99), (0.05, 59), (0.08, 36)]
)
def test_the_floor_at_five_percent_is_the_exact_one(tolerance, least):
    # ln .05 / ln(1 - .05) = 58.4, so 59 items without a loss; (1 - .05)^59 = .0485 <= .05.
    assert least_items(margin=tolerance, alpha=0.05) == least
    assert (1 - tolerance) ** least <= 0.05 < (1 - tolerance) ** (least - 1)


def test_a_look_has_its_share_of_what_no_continuation_keeps():
    policy = GateSettings.model_validate({"continuation": {"share": 0.2}})
    # 5 % over four looks, of which a fifth is kept: 4 % / 4 and 1 %.
    assert policy.look_alpha == pytest.approx(0.01)
    assert policy.continuation_alpha == pytest.approx(0.01)
    assert GateSettings().look_alpha == pytest.approx(0.0125)
    assert GateSettings().continuation_alpha == 0.0


def test_the_refusal_names_line_key_what_is_needed_and_what_would_do():
    text = SHIPPED.replace(DEMO_LOOKS, "looks: [20, 40]").replace(
        "maximum_items: 400\n  minimum_per_subset", "maximum_items: 100\n  minimum_per_subset"
    )
    text = text.replace("    default: 0.10", "    default: 0.02")
    with pytest.raises(SettingsError) as refused:
        parse_settings(text, file="mine.yaml")
    told = str(refused.value)
    line = line_of(text, "    default: 0.02")
    # alpha .05/3; ln(.01667)/ln(.98) = 202.7; the widest for 100 items: 1 - .01667^(1/100) = .0402
    assert f"mine.yaml:{line}: `gate.tolerances.default`" in told
    assert "needs 203 items" in told
    assert "allow 100" in told
    assert "a drop of 0.041 or more" in told
    assert "'wrong_refund_window'" in told
    assert "invented_drug_interactions" not in told


def test_what_it_proposes_is_accepted():
    text = SHIPPED.replace(DEMO_LOOKS, "looks: []").replace(
        "    default: 0.10", "    default: 0.005"
    )
    with pytest.raises(SettingsError, match=r"needs 598 items.*0\.008 or more"):
        parse_settings(text, file="x")
    wider = text.replace("    default: 0.005", "    default: 0.008")
    assert parse_settings(wider, file="x").gate.tolerances["default"] == 0.008
    more = text.replace("looks: []", "looks: [1000]")
    assert parse_settings(more, file="x").gate.looks == (1000,)


def test_the_aggregate_may_count_on_the_looks_of_every_subset():
    # Seven subsets of 60: 420 items, against ln(.025)/ln(.99) = 367.04 for one point.
    text = SHIPPED.replace("aggregate_tolerance: 0.03", "aggregate_tolerance: 0.01")
    text = text.replace(DEMO_LOOKS, "looks: [60]").replace(
        "maximum_items: 400\n  minimum_per_subset", "maximum_items: 100\n  minimum_per_subset"
    )
    assert parse_settings(text, file="x").gate.aggregate_tolerance == 0.01
    with pytest.raises(SettingsError, match=r"`gate.aggregate_tolerance`.*needs 368 items"):
        parse_settings(text.replace("looks: [60]", "looks: [50]"), file="x")


def test_a_default_that_no_subset_uses_is_not_held_against_anything():
    settings = parse_settings(SHIPPED, file="x")
    named = "".join(f"    {name}: 0.10\n" for name in settings.subsets)
    text = SHIPPED.replace(
        "    default: 0.10\n    invented_drug_interactions: 0.05\n",
        f"    default: 0.0001\n{named}",
    )
    assert parse_settings(text, file="x").gate.tolerances["default"] == 0.0001
