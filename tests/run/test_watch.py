import pytest

from gan_jax.run.scoreboard import Evaluation
from gan_jax.run.watch import alarms


def evaluation(step, **scores):
    return Evaluation(step, scores, {})


GOOD = [evaluation(100, recall=0.3, coverage=0.5), evaluation(200, recall=0.6, coverage=0.7)]


def test_a_sharp_fall_is_told_with_the_best_step():
    told = alarms(GOOD, evaluation(300, recall=0.2, coverage=0.65), [])
    assert told == ["recall fell from 0.600 (step 200) to 0.200: the generator loses modes"]


@pytest.mark.parametrize("name", ["recall", "classifier_recall", "pixels_coverage"])
def test_scores_of_any_features_are_watched(name):
    assert len(alarms([evaluation(1, **{name: 0.8})], evaluation(2, **{name: 0.1}), [])) == 1


def test_a_slow_decline_is_none():
    assert not alarms(GOOD, evaluation(300, recall=0.5, coverage=0.5), [])


def test_what_never_was_good_does_not_fall():
    assert not alarms([evaluation(1, recall=0.05)], evaluation(2, recall=0.0), [])


def test_the_first_evaluation_has_nothing_to_fall_from():
    assert not alarms([], evaluation(1, recall=0.0), [])


def test_a_discriminator_that_always_wins_is_told():
    rows = [{"d/loss": 0.002}, {"d/loss": 0.004}, {"d/loss": 0.0}]
    assert "always wins" in alarms([], evaluation(1), rows)[0]
    assert not alarms([], evaluation(1), [*rows, {"d/loss": 0.7}])
    assert not alarms([], evaluation(1), [{"d/loss": -3.0}] * 5)  # a Wasserstein loss is no sign of it
