"""CR2 from sums over classes against the whole matrices, and against the formula for one mean."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.evaluation.cluster_robust import ClusterSums, cluster_robust
from pipeline.evaluation.intervals import clustered_interval
from pipeline.evaluation.mixed_model import AnswerSums, Array, MixedModel, fit_mixed_model

Officers = list[tuple[int, list[float | None]]]
"""Cluster, and the score at each wave."""


def _summed(officers: Officers) -> tuple[AnswerSums, ClusterSums]:
    waves = len(officers[0][1])
    patterns = sorted({tuple(s is not None for s in scores) for _, scores in officers})
    filled = [
        (cluster, patterns.index(tuple(s is not None for s in scores)), [s or 0.0 for s in scores])
        for cluster, scores in officers
    ]
    n, means, scatter = [], [], []
    for place in range(len(patterns)):
        values = np.array([scores for _, which, scores in filled if which == place])
        away = values - values.mean(axis=0)
        n.append(float(len(values)))
        means.append(values.mean(axis=0))
        scatter.append(away.T @ away)
    seats = sorted({(cluster, which) for cluster, which, _ in filled})
    members = [
        np.array([scores for c, which, scores in filled if (c, which) == seat]) for seat in seats
    ]
    return (
        AnswerSums(
            np.array(n),
            np.array(patterns),
            np.array(means),
            np.array(scatter),
            np.array([np.eye(waves)] * len(patterns)),
        ),
        ClusterSums(
            np.array([cluster for cluster, _ in seats]),
            np.array([which for _, which in seats]),
            np.array([float(len(rows)) for rows in members]),
            np.array([rows.mean(axis=0) for rows in members]),
        ),
    )


def _dense(officers: Officers, model: MixedModel, contrasts: Array) -> tuple[Array, Array]:
    """The textbook: matrices of every score, each cluster's adjustment by eigenvalues."""
    ordered = sorted(officers, key=lambda officer: officer[0])
    y, x, of, blocks = [], [], [], []
    for cluster, scores in ordered:
        seen = [t for t, s in enumerate(scores) if s is not None]
        y += [scores[t] for t in seen]
        x += [np.eye(len(scores))[t] for t in seen]
        of += [cluster] * len(seen)
        blocks.append(model.between_waves[np.ix_(seen, seen)])
    design, clusters = np.array(x), np.array(of)
    v = np.zeros((len(y), len(y)))
    at = 0
    for block in blocks:
        v[at : at + len(block), at : at + len(block)] = block
        at += len(block)
    w = np.linalg.inv(v)
    bread = np.linalg.inv(design.T @ w @ design)
    hat = design @ bread @ design.T @ w
    maker = np.eye(len(y)) - hat
    residuals = maker @ np.array(y, dtype=float)
    scores_of, towards = [], []
    for cluster in sorted(set(of)):
        rows = clusters == cluster
        d = np.linalg.cholesky(v[np.ix_(rows, rows)]).T
        inner = d @ (maker @ v @ maker.T)[np.ix_(rows, rows)] @ d.T
        values, vectors = np.linalg.eigh(inner)
        kept = values > 1e-10 * values[-1]
        root = vectors[:, kept] @ np.diag(values[kept] ** -0.5) @ vectors[:, kept].T
        adjusted = bread @ design[rows].T @ w[np.ix_(rows, rows)] @ d.T @ root @ d
        scores_of.append(contrasts @ adjusted @ residuals[rows])
        towards.append(contrasts @ adjusted @ maker[rows])
    variances = np.sum(np.array(scores_of) ** 2, axis=0)
    freedom = []
    for place in range(len(contrasts)):
        lines = np.array([g[place] for g in towards])
        p = lines @ v @ lines.T
        freedom.append(np.trace(p) ** 2 / np.sum(p**2))
    return np.sqrt(variances), np.array(freedom)


def _drawn(seed: int, clusters: int, officers: int) -> Officers:
    rng = np.random.default_rng(seed)
    shifts = rng.normal(0, 1, clusters)
    made: Officers = []
    for place in range(officers):
        # Every cluster has officers, and some have many more than others.
        cluster = place if place < clusters else int(clusters * rng.random() ** 2)
        scores = 25 + shifts[cluster] + rng.normal(0, 3) + rng.normal(0, 2, 3)
        gone = rng.random(3) < [0.05, 0.3, 0.4]
        if gone.all():
            gone[0] = False
        kept = [None if g else float(s) for s, g in zip(scores, gone, strict=True)]
        made.append((cluster, kept))
    return made


CONTRASTS = np.array([[1.0, 0, 0], [0, 0, 1], [-1, 1, 0], [-1, 0, 1]])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 9), st.integers(20, 60))
def test_it_is_what_the_textbooks_matrices_give(seed: int, clusters: int, officers: int) -> None:
    answers = _drawn(seed, clusters, officers)
    sums, by_cluster = _summed(answers)
    model = fit_mixed_model(sums)
    if not isinstance(model, MixedModel):
        return
    found = cluster_robust(model, sums, by_cluster, CONTRASTS)
    standard_errors, freedom = _dense(answers, model, CONTRASTS)
    assert found.standard_errors == pytest.approx(standard_errors, rel=1e-6)
    assert found.degrees_of_freedom == pytest.approx(freedom, rel=1e-6)


def test_of_one_wave_it_is_the_interval_of_a_mean() -> None:
    rng = np.random.default_rng(7)
    officers: Officers = [(i % 5 if i < 40 else 0, [float(rng.normal(25, 5))]) for i in range(60)]
    sums, by_cluster = _summed(officers)
    model = fit_mixed_model(sums)
    assert isinstance(model, MixedModel)
    found = cluster_robust(model, sums, by_cluster, np.eye(1))
    interval = clustered_interval(
        by_cluster.n.astype(int).tolist(), (by_cluster.n * by_cluster.means[:, 0]).tolist()
    )
    assert interval is not None
    assert found.standard_errors[0] == pytest.approx(interval.standard_error)
    assert found.degrees_of_freedom[0] == pytest.approx(interval.degrees_of_freedom)


def test_a_cluster_that_alone_answered_a_wave_is_found_out() -> None:
    answers = _drawn(11, 4, 50)
    only = [(c, [*scores[:2], scores[2] if c == 0 else None]) for c, scores in answers]
    only = [(c, scores) for c, scores in only if any(s is not None for s in scores)]
    sums, by_cluster = _summed(only)
    model = fit_mixed_model(sums)
    assert isinstance(model, MixedModel)
    found = cluster_robust(model, sums, by_cluster, CONTRASTS)
    standard_errors, _ = _dense(only, model, CONTRASTS)
    assert found.standard_errors[[0, 2]] == pytest.approx(standard_errors[[0, 2]], rel=1e-6)
    assert found.are_sound.tolist() == [True, False, True, False]


def test_clusters_that_have_nothing_in_common_leave_no_residuals() -> None:
    answers = [(0, [float(s)]) for s in (20, 22, 27)]
    sums, by_cluster = _summed(answers)
    model = fit_mixed_model(sums)
    assert isinstance(model, MixedModel)
    found = cluster_robust(model, sums, by_cluster, np.eye(1))
    assert found.are_sound.tolist() == [False]
    assert np.isfinite(found.degrees_of_freedom).all()


def test_the_numbers_of_clusters_do_not_matter() -> None:
    answers = _drawn(13, 6, 60)
    other = [(5 - cluster, scores) for cluster, scores in answers]
    sums, by_cluster = _summed(answers)
    _, renumbered = _summed(other)
    model = fit_mixed_model(sums)
    assert isinstance(model, MixedModel)
    one, two = (
        cluster_robust(model, sums, clusters, CONTRASTS) for clusters in (by_cluster, renumbered)
    )
    assert one.standard_errors.tolist() == two.standard_errors.tolist()
    assert one.degrees_of_freedom.tolist() == two.degrees_of_freedom.tolist()
