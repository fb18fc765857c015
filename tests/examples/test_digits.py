"""The digits job, short: both generated programs follow torch's own losses; the story's parts say what they did."""

import xml.etree.ElementTree as ET

import pytest

from examples import digits, progress
from examples.digits_data import TRAINED_ON, batches
from examples.digits_data import digits as images

pytest.importorskip("sklearn", reason="scikit-learn ships the digits")


@pytest.fixture(scope="module")
def curves(tmp_path_factory):
    folder = tmp_path_factory.mktemp("digits")
    digits.generate(folder)
    return digits.train(folder, epochs=3)


def test_both_programs_follow_torch_for_fifty_steps(curves):
    truth = curves["torch.nn"]["losses"]
    assert len(truth) == digits.STEPS_COMPARED
    for name in ("NumPy", "Torch"):
        losses = curves[name]["losses"]
        assert max(abs(a - b) for a, b in zip(losses, truth, strict=False)) <= digits.LARGEST_DIFFERENCE
        assert losses[-1] < losses[0]


def test_a_broken_promise_is_said(curves, capsys):
    assert not digits.verdict(curves, checked=True)  # three epochs do not reach 97 %
    assert "BROKEN" in capsys.readouterr().out
    good = {name: {**curve, "accuracy": 0.99} for name, curve in curves.items()}
    assert digits.verdict(good, checked=True)
    assert not digits.verdict(good, checked=False)
    off = {**good, "NumPy": {**good["NumPy"], "losses": [loss + 1e-8 for loss in good["NumPy"]["losses"]]}}
    assert not digits.verdict(off, checked=True)


def test_the_plot_is_written(curves, tmp_path):
    path = tmp_path / "digits.svg"
    digits.plot(path, curves)
    assert ET.parse(path).getroot().tag.endswith("svg")


def test_the_images_are_the_real_ones():
    train, labels, test, test_labels = images()
    assert len(train) == TRAINED_ON and len(train) + len(test) == 1797
    assert train.shape[1:] == (1, 8, 8) and set(labels) == set(test_labels) == set(range(10))
    assert train.min() >= 0 and train.max() == 1


def test_every_image_is_seen_once_an_epoch():
    seen = sorted(int(k) for chosen in batches(1) for k in chosen)
    assert seen == list(range(TRAINED_ON))


def test_the_bar_ends_with_all_steps(capsys):
    assert list(progress.progress(range(5), "steps")) == [0, 1, 2, 3, 4]
    assert "5/5" in capsys.readouterr().err
