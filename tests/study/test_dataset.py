"""Examples are the clips' frames and nothing else, and no sentence is on both sides of a split."""

import hashlib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.audio import corpus
from helpers.study.dataset import Examples, batches, cut, sentences, split

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


def test_moments_are_summed_in_double_precision():
    rng = np.random.default_rng(1)
    features = [10_000 + rng.normal(size=(5000, 3)).astype(np.float32)]
    mean, variance = cut(table(1), features, 100).moments()
    exact = features[0].astype(np.float64)
    assert mean.dtype == variance.dtype == np.float64
    np.testing.assert_allclose(mean, exact.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(variance, exact.var(axis=0), rtol=1e-9)


def test_languages_may_be_named_in_another_order():
    names = ("ru-RU", "xx-XX", "it-IT")
    examples = cut(table(2), ramps([3, 3]), 3, languages=names)
    assert examples.languages == names and examples.y.tolist() == [2, 0]


def test_no_clips_make_no_examples():
    with pytest.raises(ValueError, match="no clip has 1 frames, the longest has 0"):
        cut(table(0), [], 3)
    with pytest.raises(ValueError, match="no clip has 5 frames, the longest has 4"):
        cut(table(2), ramps([4, 2]), 9, shortest=5)


def numbered(n):
    x = np.arange(n, dtype=np.float32).reshape(n, 1, 1)
    return Examples(x, np.arange(n), np.ones(n, int), np.arange(n), tuple(map(str, range(n))))


def epochs(data, number):
    """Return the languages of some epochs; features must have come along."""
    told = []
    for _ in range(number):
        pairs = [(x.numpy(), y.numpy()) for x, y in data]
        assert all((x.ravel() == y).all() for x, y in pairs)
        told.append(np.concatenate([y for _, y in pairs]).tolist())
    return told


def test_batches_keep_the_order_or_shuffle_all_examples_anew_in_each_epoch():
    assert epochs(batches(numbered(150)), 2) == [list(range(150))] * 2
    assert [len(y) for _, y in batches(numbered(150))] == [64, 64, 22]
    first, second = epochs(batches(numbered(150), 32, shuffle=1), 2)
    assert sorted(first) == sorted(second) == list(range(150)) and first != second
    assert epochs(batches(numbered(150), 32, shuffle=1), 2) == [first, second]
    assert epochs(batches(numbered(150), 32, shuffle=2), 1) != [first]
    assert max(first.index(0), epochs(batches(numbered(150), shuffle=7), 1)[0].index(0)) > 32
    assert epochs(batches(numbered(150), shuffle=0), 1) != [list(range(150))]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"features": ramps([3])}, "2 clips and the features of 1"),
        ({"features": [np.ones((3, 2)), np.ones((3, 4))]}, "features of different settings"),
        ({"steps": 0}, "steps is 0"),
        ({"shortest": 4}, "steps is 3 and shortest is 4"),
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


@pytest.mark.parametrize("by", ["prompt", "sentence", "speaker"])
def test_no_sound_of_the_test_is_in_the_training(by):
    """Every frame says which clip it is from: follow it from the file into the examples."""
    clips = CLIPS.query("not unheard").reset_index(drop=True)
    clips["sentence"] = clips["prompt"].str[:3]
    frames = (clips["duration"] * 10).astype(int) + 1
    part = split(clips, PARTS, by=by, seed=2)
    examples = cut(clips, ramps(frames), steps=30)
    heard = {}
    for name in set(part):
        chosen = examples[part.to_numpy()[examples.clip] == name]
        rows = chosen.x[chosen.mask][:, 0].astype(int) - 1
        heard[name] = set(clips[by].iloc[rows])
    assert sum(map(len, heard.values())) == clips[by].nunique()
    assert not set.intersection(*heard.values())


def alike(rng, base, amount=0.05):
    """Return frames that sound like others."""
    return base + amount * rng.standard_normal(base.shape)


def stretched(base, factor):
    """Return the same course of coefficients, spoken more slowly."""
    at = np.linspace(0, len(base) - 1, round(factor * len(base)))
    return np.stack([np.interp(at, np.arange(len(base)), c) for c in base.T], axis=1)


def planted(rows):
    """Return the sentences of clips given as (prompt, speaker, language, frames).

    Around them stand twelve others by each voice: what is alike is alike among many.
    """
    rng = np.random.default_rng(7)
    voices = {(language, speaker) for _, speaker, language, _ in rows}
    for language, speaker in sorted(voices):
        for number in range(12):
            walk = np.cumsum(rng.standard_normal((40, 13)), axis=0)
            rows = [*rows, (f"other {language} {speaker} {number}", speaker, language, walk)]
    clips = pd.DataFrame([row[:3] for row in rows], columns=["prompt", "speaker", "language"])
    clips.index += 100  # rows are not what the index says
    joined = sentences(clips, [row[3] for row in rows])
    assert joined.index.equals(clips.index)
    others = joined[clips["prompt"].str.startswith("other")]
    assert others.tolist() == clips.loc[others.index, "prompt"].tolist(), "what is not alike"
    return dict(zip(clips["prompt"], joined, strict=True))


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def spoken(rng):
    """Return the frames of a few sentences that have nothing in common."""
    return [np.cumsum(rng.standard_normal((40, 13)), axis=0) for _ in range(4)]


def test_two_names_of_one_sentence_are_joined_under_the_first(rng, spoken):
    rows = [("zzz", "anna", "it", spoken[0]), ("aaa", "anna", "it", alike(rng, spoken[0]))]
    got = planted([*rows, ("mmm", "anna", "it", spoken[1])])
    assert (got["zzz"], got["aaa"], got["mmm"]) == ("aaa", "aaa", "mmm")


def test_clips_of_one_voice_only_are_compared(rng, spoken):
    for speaker, language in (("anna", "it"), ("bruno", "it"), ("anna", "ru")):
        other = ("b", speaker, language, alike(rng, spoken[0]))
        got = planted([("a", "anna", "it", spoken[0]), other])
        assert (got["b"] == "a") == ((speaker, language) == ("anna", "it"))


def test_a_pair_that_one_voice_speaks_alike_is_joined_for_all_voices(rng, spoken):
    one, two, three, four = spoken
    rows = [
        ("a", "anna", "it", one),
        ("b", "anna", "it", alike(rng, one)),
        ("a", "bruno", "fr", two),
        ("b", "bruno", "fr", three),  # not alike
        ("c", "bruno", "fr", four),
    ]
    got = planted(rows)
    assert (got["a"], got["b"], got["c"]) == ("a", "a", "c")


@pytest.mark.parametrize(
    ("factor", "same"), [(1.0, True), (1.45, True), (1.5, False), (1.55, False), (3, False)]
)
def test_the_same_course_of_another_length_is_another_sentence(rng, spoken, factor, same):
    slow = stretched(spoken[0], factor)
    for first, second in ((spoken[0], slow), (slow, spoken[0])):
        got = planted([("a", "anna", "it", first), ("b", "anna", "it", alike(rng, second, 0.02))])
        assert (got["b"] == "a") == same


def test_joins_go_on_from_one_to_the_next(rng, spoken):
    """Of a, b, c, d, where each is alike to the next in one voice, all are one sentence."""
    one, two, three, four = spoken
    for pairs in (["dc", "cb", "ba"], ["ab", "cd", "bd"], ["ca", "db", "cb"]):
        rows = []
        for (first, second), base, voice in zip(pairs, (one, two, three), "xyz", strict=True):
            rows += [(first, voice, "it", base), (second, voice, "it", alike(rng, base))]
        got = planted([*rows, ("e", "x", "it", four)])
        assert [got[name] for name in "abcde"] == ["a", "a", "a", "a", "e"], pairs


def test_how_loud_a_clip_is_does_not_matter(rng, spoken):
    loud = spoken[0] + np.eye(13)[0] * 50  # the first coefficient is the level
    got = planted([("a", "anna", "it", spoken[0]), ("b", "anna", "it", loud)])
    assert got["b"] == "a"
    wide = [np.hstack([frames, 99 * rng.standard_normal((40, 5))]) for frames in spoken[:1] * 2]
    clips = pd.DataFrame({"prompt": ["a", "b"], "speaker": "x", "language": "it"})
    assert sentences(clips, wide).tolist() == ["a", "a"], "coefficients above the twelfth"


@pytest.mark.parametrize("where", [np.s_[:, 1], np.s_[:, 12], np.s_[0], np.s_[-1]],
                         ids=["coefficient 1", "coefficient 12", "beginning", "end"])  # fmt: skip
def test_nothing_that_is_compared_may_differ_much(rng, spoken, where):
    one, other = spoken[0].copy(), spoken[0].copy()
    one[where], other[where] = 300, -300
    got = planted([("a", "anna", "it", one), ("b", "anna", "it", other)])
    assert got["b"] == "b"


@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_the_unit_of_the_coefficients_does_not_matter(rng, spoken, scale):
    rows = [("a", "anna", "it", spoken[0]), ("b", "anna", "it", alike(rng, spoken[0]))]
    rows += [(name, "anna", "it", frames) for name, frames in zip("cde", spoken[1:], strict=True)]
    clips = pd.DataFrame([row[:3] for row in rows], columns=["prompt", "speaker", "language"])
    silent = np.ones(13)
    silent[5] = 0  # a coefficient that is the same in all clips
    frames = [row[3] * silent * scale for row in rows]
    assert sentences(clips, frames).tolist() == ["a", "a", "c", "d", "e"]


@pytest.mark.parametrize(("distance", "same"), [(0.6, True), (1.0, False)])
def test_clips_are_alike_up_to_a_distance_of_four_fifths_of_the_spread(rng, distance, same):
    walks = np.cumsum(rng.standard_normal((60, 24, 13)), axis=1)  # nothing is to be stretched
    near = walks[0].copy()
    for _ in range(20):  # the pair is a part of the spread itself
        near = walks[0] + distance * np.std([*walks, near], axis=0)
    clips = pd.DataFrame({"prompt": [f"{i:02}" for i in range(61)]})
    clips[["speaker", "language"]] = "anna", "it"
    joined = sentences(clips, [*walks, near])
    assert (joined[60] == "00") == same
    assert joined[:60].tolist() == clips["prompt"][:60].tolist()


def test_a_part_depends_on_nothing_but_the_sentence_and_the_seed():
    whole = split(CLIPS, PARTS)
    some = CLIPS.sample(frac=0.3, random_state=1)
    assert split(some, PARTS).equals(whole[some.index])
    assert not split(CLIPS, PARTS, seed=1).equals(whole)


@pytest.mark.parametrize("seed", [0, 5])
def test_a_part_is_the_same_at_other_times(seed):
    """Stored results hang on it: the digest's first 16 digits, as a fraction of the sizes."""
    clips = pd.DataFrame({"prompt": [f"sentence {i}" for i in range(200)]})
    got = split(clips, {"a": 3, "b": 1, "c": 1}, seed=seed)
    for prompt, part in zip(clips["prompt"], got, strict=True):
        digits = hashlib.sha256(f"{seed} {prompt}".encode()).hexdigest()[:16]
        where = int(digits, 16) / 16**16
        assert part == ("a" if where < 0.6 else "b" if where < 0.8 else "c")
    assert got.name == "part" and split(clips, {"a": 3, "b": 1, "c": 1}).name == "part"


def test_one_part_gets_everything_and_half_a_size_half_as_much():
    clips = pd.DataFrame({"prompt": [str(i) for i in range(50)]})
    assert set(split(clips, {"all": 0.3})) == {"all"}
    assert split(clips, {"a": 0.2, "b": 0.4}).equals(split(clips, {"a": 1, "b": 2}))


def test_parts_have_their_sizes():
    many = pd.DataFrame({"prompt": [str(i) for i in range(20_000)]})
    sizes = split(many, {"a": 2, "b": 1, "c": 1}).value_counts(normalize=True)
    np.testing.assert_allclose(sizes[["a", "b", "c"]], [0.5, 0.25, 0.25], atol=0.02)


def test_sentences_and_speakers_are_kept_apart_at_once():
    both = split(CLIPS, PARTS, by=["prompt", "speaker"], seed=1)
    for column in ("prompt", "speaker"):
        alone = split(CLIPS, PARTS, by=column, seed=1)
        kept = both.dropna()
        assert kept.equals(alone[kept.index])
        assert (both.groupby(CLIPS[column]).nunique() <= 1).all()
        if column == "prompt":
            by_prompt = alone
    mixed = by_prompt != split(CLIPS, PARTS, by="speaker", seed=1)
    assert both.isna().equals(mixed.rename("part")) and 0 < mixed.mean() < 1


def test_what_is_assigned_is_not_dealt():
    plain = split(CLIPS, PARTS, by="speaker")
    voices = sorted(CLIPS["speaker"].unique())[:3]
    part = split(CLIPS, PARTS, by="speaker", assigned=dict.fromkeys(voices, "test"))
    assert set(part[CLIPS["speaker"].isin(voices)]) == {"test"}
    others = ~CLIPS["speaker"].isin(voices)
    assert part[others].equals(plain[others])
    left_out = split(CLIPS, PARTS, by=["prompt", "speaker"], assigned={"july": "test"})
    july = CLIPS["speaker"] == "july"
    assert set(left_out[july].dropna()) == {"test"}
    known = set(CLIPS["prompt"][left_out == "train"])
    assert not known & set(CLIPS["prompt"][july & (left_out == "test")])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"parts": PARTS, "by": "mood"}, "no column 'mood'"),
        ({"parts": PARTS, "by": ["prompt", "mood"]}, "no column 'mood'"),
        ({"parts": PARTS, "by": []}, "by names no column"),
        ({"parts": {"train": np.inf}}, "expected a positive size"),
        ({"parts": PARTS, "assigned": {"y": "test", "x": "test"}}, "no clip has x, y as its"),
        (
            {"parts": PARTS, "by": ["prompt", "speaker"], "assigned": {"x": "test"}},
            "no clip has x as its prompt or speaker",
        ),
        (
            {"parts": PARTS, "by": "speaker", "assigned": {"july": "b", "paola": "a"}},
            "no part a, b; there are",
        ),
        ({"parts": PARTS, "assigned": {"x": "test"}}, "no clip has x as its prompt"),
        (
            {"parts": PARTS, "by": "speaker", "assigned": {"july": "exam"}},
            "no part exam; there are train, validation, test",
        ),
        ({"parts": {}}, "expected a positive size"),
        ({"parts": {"train": 1, "test": 0}}, "expected a positive size"),
    ],
)
def test_a_split_that_cannot_be_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        split(CLIPS, **arguments)


@pytest.mark.parametrize("nothing", ["", None, np.nan])
def test_clips_without_a_speaker_are_counted(nothing):
    clips = pd.DataFrame({"speaker": ["anna", nothing, nothing]})
    with pytest.raises(ValueError, match="^2 of 3 clips have no speaker"):
        split(clips, PARTS, by="speaker")
