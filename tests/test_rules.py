"""Rules that adapt: alone, combined, and from plain ones."""

import jax.numpy as jnp
import pytest

from gan_jax.rules import Adaptive, adaptive, combine, paused, scheduled

STEP = jnp.int32(3)


def counting(weight):
    """A rule that returns `weight` times the updates it has seen."""
    return Adaptive(0, lambda memory, step: lambda x: weight * memory * x, lambda memory, metrics: memory + 1)


def test_a_plain_rule_never_changes_and_remembers_nothing():
    rule = adaptive(abs)
    assert rule.at(rule.start, STEP) is abs
    assert rule.learn(rule.start, {}) == rule.start == ()


def test_a_scheduled_rule_knows_the_step_only():
    rule = scheduled(lambda step: lambda x: x + step)
    assert rule.at(rule.start, STEP)(1) == 4
    assert rule.learn((), {}) == ()


def test_plain_rules_combine_to_a_plain_one():
    assert combine((abs, abs), lambda a, b: lambda x: a(x) + b(x))(-2) == 4


def test_a_paused_rule_has_no_place_for_one_that_adapts():
    with pytest.raises(TypeError, match="cannot adapt"):
        paused(abs, counting(1))


def test_combined_rules_remember_each_for_itself():
    rule = combine((abs, counting(1), counting(10)), lambda *rules: lambda x: [rule(x) for rule in rules])
    memory = rule.start
    for _ in range(2):
        memory = rule.learn(memory, {})
    assert memory == ((), 2, 2)
    assert rule.at(memory, STEP)(-1) == [1, -2, -20]
