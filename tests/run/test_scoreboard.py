import json
import math

import pytest

from gan_jax.run.scoreboard import Evaluation, as_row, better, curve, heading, lower_is_better, name_of, read_all, table

PROTOCOL = {
    "features": "classifier",
    "about": "a classifier",
    "features_sha256": "0123456789abcdef",
    "reference": "digits, 1797 images of 8x8x1",
    "compared": 100,
    "conventions": "KID over 100 subsets of 50",
    "samples": 100,
    "seed": 0,
    "weights": "averaged",
    "versions": {"jax": "0.0"},
}


def evaluation(step, fid=1.0, **protocol):
    scores = {"classifier_fid": fid, "classifier_kid": 0.5, "classifier_kid_std": 0.1, "classes": 10.0}
    return Evaluation(step, scores, PROTOCOL | protocol)


def test_only_inceptions_fid_is_called_fid():
    assert name_of("inception", "fid") == "fid"
    assert name_of("classifier", "fid") == "classifier_fid"
    assert heading("classifier_fid").startswith("classifier FID")
    assert heading("pixels_recall") == "pixels recall ↑"


@pytest.mark.parametrize("name", ["fid", "classifier_fid", "kid", "classifier_intra_fid", "class_kl"])
def test_distances_are_better_if_lower(name):
    assert lower_is_better(name)
    assert better(name, 1.0, 2.0)
    assert not better(name, 2.0, 1.0)


@pytest.mark.parametrize("name", ["recall", "pixels_coverage", "inception_score", "label_accuracy", "classes"])
def test_the_others_are_better_if_higher(name):
    assert not lower_is_better(name)
    assert better(name, 2.0, 1.0)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_never_wins(value):
    assert not better("fid", value, None)
    assert not better("recall", value, 0.1)


def test_the_first_finite_score_wins():
    assert better("fid", 300.0, None)


def test_rows_come_back_among_rows_of_losses_and_broken_ones(tmp_path):
    file = tmp_path / "metrics.jsonl"
    found = [evaluation(10), evaluation(20, fid=2.0)]
    rows = [json.dumps({"step": 5, "d/loss": 1.0}), *(json.dumps(as_row(e)) for e in found), '{"step": 3, "sco']
    file.write_text("\n".join(rows))
    assert read_all(file) == found
    assert read_all(tmp_path / "none.jsonl") == []


def test_protocols_never_share_a_table():
    lines = table([evaluation(10), evaluation(20, fid=3.25), evaluation(10, fid=7.5, samples=5000)])
    heads = [i for i, line in enumerate(lines) if line.startswith("step")]
    assert len(heads) == 2
    assert "100 samples" in "\n".join(lines[: heads[0]])
    assert "5,000 samples" in "\n".join(lines[heads[0] : heads[1]])
    assert lines[heads[0]].split() == ["step", "10", "20"]
    assert lines[heads[0] + 1].split() == ["classifier", "FID", "↓", "1", "3.25"]
    assert "7.5" not in "\n".join(lines[: heads[1]])
    assert "0.5 ±0.1" in lines[heads[0] + 2]


def test_the_curve_is_that_of_the_protocol_seen_at_most_steps():
    long, short = [evaluation(20), evaluation(10)], [evaluation(30, samples=7)]
    assert curve(short + long + short) == [long[1], long[0]]
    assert curve([]) == []


def test_only_the_last_steps_are_shown_and_all_rows_are_as_wide():
    lines = table([evaluation(step) for step in range(100, 2100, 100)])
    head = next(i for i, line in enumerate(lines) if line.startswith("step"))
    assert lines[head].split() == ["step", *map(str, range(1300, 2100, 100))]
    assert len({len(line) for line in lines[head:]}) == 1


def test_of_few_images_neighbours_are_said_to_flatter_and_masks_have_none():
    lines = lambda features: "\n".join(table([evaluation(1, features=features, samples=20, compared=20)]))
    assert "fewer than 1,000 images" in lines("pixels")
    assert "fewer than" not in lines("masks")


def test_a_protocol_of_another_hand_is_shown_as_it_stands():
    assert table([Evaluation(1, {"fid": 2.0}, {"samples": "many"})])[0] == '{"samples": "many"}'


def test_rows_of_another_kind_are_no_evaluations(tmp_path):
    rows = [{"scores": 5, "protocol": {}}, {"scores": {"fid": "x"}, "protocol": {}}, {"scores": {}, "protocol": 3}]
    file = tmp_path / "metrics.jsonl"
    file.write_text("".join(json.dumps({"step": 1} | row) + "\n" for row in rows))
    assert read_all(file) == []
