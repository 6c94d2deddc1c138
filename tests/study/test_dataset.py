"""Examples are the clips' frames and nothing else, and no sentence is on both sides of a split."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.audio import corpus
from helpers.study.dataset import cut, split

PARTS = {"train": 0.7, "validation": 0.15, "test": 0.15}
CLIPS = corpus.manifest()


def ramps(lengths):
    """Return features of which every frame says which clip it is from, and where it stood."""
    return [
        np.stack([np.full(n, row + 1), np.arange(1, n + 1)], axis=1)
        for row, n in enumerate(lengths)
    ]


def table(n):
    return pd.DataFrame({"language": [("it-IT", "ru-RU")[i % 2] for i in range(n)]})


@given(
    lengths=st.lists(st.integers(0, 40), min_size=1, max_size=8),
    steps=st.integers(1, 20),
    shortest=st.integers(1, 20),
)
def test_every_frame_is_in_one_example_and_none_is_invented(lengths, steps, shortest):
    shortest = min(shortest, steps)
    clips, features = table(len(lengths)), ramps(lengths)
    wanted = [
        [row + 1, start + i + 1]
        for row, n in enumerate(lengths)
        for start in range(0, n, steps)
        if n - start >= shortest
        for i in range(min(steps, n - start))
    ]
    if not wanted:
        with pytest.raises(ValueError, match=f"no clip has {shortest} frames"):
            cut(clips, features, steps, shortest=shortest)
        return
    examples = cut(clips, features, steps, shortest=shortest)
    assert examples.x[examples.mask].tolist() == wanted
    assert not examples.x[~examples.mask].any()
    assert examples.x.shape == (len(examples), steps, 2) and examples.x.dtype == np.float32
    assert examples.lengths.min() >= shortest
    assert [examples.languages[i] for i in examples.y] == clips["language"][examples.clip].tolist()


def test_a_choice_of_examples_keeps_their_parts_together():
    examples = cut(table(4), ramps([5, 2, 9, 4]), 3)
    for which in (np.arange(len(examples)) % 2 == 0, [3, 1], slice(1, 4), 2):
        some = examples[which]
        for row, x, y, length in zip(some.clip, some.x, some.y, some.lengths, strict=True):
            assert set(x[:length, 0]) == {row + 1} and y == row % 2


def test_moments_leave_padding_out():
    rng = np.random.default_rng(0)
    features = [rng.normal(3, [1, 10], size=(n, 2)) for n in (7, 30)]
    mean, variance = cut(table(2), features, 10).moments()
    together = np.concatenate(features)
    np.testing.assert_allclose(mean, together.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(variance, together.var(axis=0), rtol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"features": ramps([3])}, "2 clips and the features of 1"),
        ({"features": [np.ones((3, 2)), np.ones((3, 4))]}, "features of different settings"),
        ({"steps": 0}, "steps is 0"),
        ({"shortest": 4}, "steps is 3 and shortest 4"),
        ({"languages": ["it-IT"]}, "ru-RU: not among the languages it-IT"),
    ],
)
def test_what_does_not_fit_is_refused(change, message):
    arguments = {"clips": table(2), "features": ramps([3, 3]), "steps": 3, **change}
    with pytest.raises(ValueError, match=message):
        cut(**arguments)


@pytest.mark.parametrize("by", ["prompt", "speaker"])
@pytest.mark.parametrize("seed", range(5))
def test_no_sentence_and_no_speaker_is_on_two_sides(by, seed):
    part = split(CLIPS, PARTS, by=by, seed=seed)
    assert part.index.equals(CLIPS.index) and set(part) <= set(PARTS)
    assert (part.groupby(CLIPS[by]).nunique() == 1).all()


def test_examples_of_the_shipped_corpus_do_not_leak():
    clips = CLIPS.query("not unheard").reset_index(drop=True)
    part = split(clips, PARTS).to_numpy()
    frames = (clips["duration"] * 10).astype(int) + 1
    examples = cut(clips, ramps(frames), steps=30)
    sentences = {
        name: {clips["prompt"][row] for row in examples[part[examples.clip] == name].clip}
        for name in PARTS
    }
    assert sum(map(len, sentences.values())) == len(set(clips["prompt"]))
    assert len(set.union(*sentences.values())) == len(set(clips["prompt"]))


def test_a_part_depends_on_nothing_but_the_sentence_and_the_seed():
    whole = split(CLIPS, PARTS)
    some = CLIPS.sample(frac=0.3, random_state=1)
    assert split(some, PARTS).equals(whole[some.index])
    assert not split(CLIPS, PARTS, seed=1).equals(whole)


def test_parts_have_their_sizes():
    many = pd.DataFrame({"prompt": [str(i) for i in range(20_000)]})
    sizes = split(many, {"a": 2, "b": 1, "c": 1}).value_counts(normalize=True)
    np.testing.assert_allclose(sizes[["a", "b", "c"]], [0.5, 0.25, 0.25], atol=0.02)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"parts": PARTS, "by": "mood"}, "no column 'mood'"),
        ({"parts": {}}, "expected a positive size"),
        ({"parts": {"train": 1, "test": 0}}, "expected a positive size"),
    ],
)
def test_a_split_that_cannot_be_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        split(CLIPS, **arguments)
