"""The plan of a campaign: the same words have the same cases, whoever runs them, and when."""

import json

import pytest

from stress.campaign.plan import Plan, PlanError
from stress.commands.campaigns import plan_of

MODELS = ("once", "seqlock")
ENGINES = ("explore", "sequential")


def plan(seed: int = 7, seconds: float = 60.0, models: tuple[str, ...] = MODELS) -> Plan:
    """Return the plan that the command makes of these words."""
    return plan_of(seed, models, ENGINES, None, {}, seconds)


def test_plan_follows_from_what_was_asked() -> None:
    """The same seed and models give the same cases, however long the campaign."""
    one, other = plan(), plan(seconds=3600.0)

    assert one.campaign == other.campaign
    assert [one.case(number) for number in range(50)] == [
        other.case(number) for number in range(50)
    ]


def test_plan_differs_with_what_was_asked() -> None:
    """Another seed, and other models, are another campaign."""
    assert len({plan().campaign, plan(seed=8).campaign, plan(models=("once",)).campaign}) == 3


def test_plan_names_a_model_once() -> None:
    """A model that is named twice has no more cases than others."""
    assert plan(models=("once", "seqlock", "once")) == plan()


def test_plan_gives_every_engine_and_model_its_share() -> None:
    """All are among a few dozen cases, and no two cases have the same seed."""
    cases = [plan().case(number) for number in range(100)]

    assert {(case.model, case.engine) for case in cases} == {
        (model, engine) for model in MODELS for engine in ENGINES
    }
    assert len({case.seed for case in cases}) == len(cases)


@pytest.mark.parametrize(("seconds", "cap"), [(1.0, 5.0), (60.0, 15.0), (8 * 3600.0, Plan.cap)])
def test_plan_bounds_cases_by_the_time_there_is(seconds: float, cap: float) -> None:
    """A case of a short campaign ends sooner, so that the campaign does."""
    assert plan(seconds=seconds).cap == cap


def test_plan_comes_back_from_json() -> None:
    """What is saved is what is loaded."""
    assert Plan.from_json(json.loads(json.dumps(plan().to_json()))) == plan()


@pytest.mark.parametrize(
    "change",
    [
        {"seed": -1},
        {"seed": "7"},
        {"models": []},
        {"models": [7]},
        {"engines": ["telepathy"]},
        {"campaign": "../x"},
        {"cap": float("inf")},
        {"patience": 0},
        {"first": [{"model": "once"}]},
        {"first": 7},
        {"surplus": 1},
    ],
)
def test_plan_refuses_what_is_damaged(change: dict[str, object]) -> None:
    """A plan with values that it cannot have is refused."""
    with pytest.raises(PlanError):
        Plan.from_json(plan().to_json() | change)
