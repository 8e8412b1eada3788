#!/usr/bin/env python3
"""Times the usual Python libraries on the rows that the bench example wrote, and checks that the numbers agree.

    mkdir -p rows
    cargo run --release -p probity-stats --example bench -- 10000000 rows > ours.txt
    python3 -m venv venv && venv/bin/pip install numpy scipy 'pandas<3' fairlearn evidently
    venv/bin/python crates/stats/bench/compare.py rows ours.txt

numpy and scipy are needed; fairlearn and evidently are measured if they are installed. Seconds are the best of two runs
(of one for fairlearn and the evidently report, which take minutes).
"""
import re
import sys
import time
from pathlib import Path

import numpy as np
from scipy import stats
from scipy.spatial.distance import jensenshannon

ROWS, OURS = Path(sys.argv[1]), Path(sys.argv[2]).read_text()
LIMIT = 1e-9


def column(name):
    return np.fromfile(ROWS / f"{name}.f64", dtype="<f8")


def best(function, runs=2):
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        result = function()
        times.append(time.perf_counter() - start)
    return min(times), result


def psi_and_js(reference, current):
    edges = np.unique(np.quantile(reference, [i / 10 for i in range(11)]))
    edges[0], edges[-1] = -np.inf, np.inf
    p = np.histogram(reference, edges)[0] / len(reference)
    q = np.histogram(current, edges)[0] / len(current)
    js = jensenshannon(p, q)
    p, q = np.where(p == 0, 1e-4, p), np.where(q == 0, 1e-4, q)
    return float(((p - q) * np.log(p / q)).sum()), float(js)


def by_scipy(reference, current):
    psi, js = psi_and_js(reference, current)
    ks = stats.ks_2samp(reference, current, method="asymp").statistic
    return psi, js, float(ks), float(stats.wasserstein_distance(reference, current))


def ours():
    """Per column: seconds for all four measures (1 thread, 2 threads) and their values."""
    found = {}
    lines = OURS.splitlines()
    for line, values in zip(lines, lines[1:]):
        head = re.match(r"([a-f]) [^/]*?\s([\d.]+) / ([\d.]+) ", line)
        if head:
            numbers = [float(x) for x in re.findall(r" ([-\d.e]+)(?= |$)", values)]
            found[head[1]] = (float(head[2]), float(head[3]), numbers)
    return found


def evidently_column(reference, current):
    import pandas as pd
    from evidently.legacy.calculations.stattests import ks_stat_test, psi_stat_test
    from evidently.legacy.core import ColumnType

    a, b, kind = pd.Series(reference), pd.Series(current), ColumnType.Numerical

    def run():
        return psi_stat_test.func(a, b, kind, 0.1), ks_stat_test.func(a, b, kind, 0.05)

    return best(run)[0]


def compare_columns():
    print(f"{'column':8}{'numpy+scipy':>14}{'ours 1 / 2':>18}{'ratio':>16}{'PSI+KS lib':>14}{'ratio':>16}  largest difference")
    for name, (one, two, values) in ours().items():
        reference, current = column(f"{name}_ref"), column(f"{name}_cur")
        seconds, theirs = best(lambda: by_scipy(reference, current))
        gaps = [abs(x - y) / max(1.0, abs(y)) for x, y in zip(values, theirs, strict=True)]
        verdict = "agrees" if max(gaps) < LIMIT else "DIFFERS"
        try:
            other = evidently_column(reference, current)
            other = f"{other:14.2f}{other / one:8.1f}{other / two:8.1f}"
        except ImportError:
            other = f"{'-':>14}{'-':>16}"
        print(f"{name:8}{seconds:14.2f}{one:9.3f}{two:9.3f}{seconds / one:8.1f}{seconds / two:8.1f}{other}"
              f"  {max(gaps):.1e} {verdict}", flush=True)


def by_hand(groups, labels, predictions):
    cells = np.bincount(groups * 4 + labels * 2 + predictions, minlength=16).reshape(4, 2, 2)
    selected = cells[:, :, 1].sum(axis=1) / cells.sum(axis=(1, 2))
    rates = cells[:, :, 1] / cells.sum(axis=2)
    return np.ptp(selected), selected.min() / selected.max(), np.ptp(rates, axis=0).max()


def compare_fairness():
    groups = np.fromfile(ROWS / "s.u32", dtype="<u4")
    labels, predictions = (np.fromfile(ROWS / f"{name}.u8", dtype="u1") for name in ("y", "yhat"))
    mine = [float(x) for x in re.findall(r"fairness report.*: ([\d.]+)", OURS)]
    seconds, (dpd, dpr, eod) = best(lambda: by_hand(groups, labels, predictions))
    print(f"fairness by hand in numpy {seconds:.3f} s; ours {mine} s; ratios {[round(seconds / x, 1) for x in mine]}", flush=True)
    try:
        from fairlearn import metrics
    except ImportError:
        return
    arguments = {"y_true": labels, "y_pred": predictions, "sensitive_features": groups}
    start = time.perf_counter()
    theirs = (metrics.demographic_parity_difference(**arguments), metrics.equalized_odds_difference(**arguments))
    seconds = time.perf_counter() - start
    assert abs(theirs[0] - dpd) < LIMIT and abs(theirs[1] - eod) < LIMIT, (theirs, dpd, dpr, eod)
    print(f"fairlearn DP + EO {seconds:.1f} s; ratios {[round(seconds / x) for x in mine]}", flush=True)


def compare_report():
    try:
        import pandas as pd
        from evidently import DataDefinition, Dataset, Report
        from evidently.presets import DataDriftPreset
    except ImportError:
        return
    numeric = ["a", "b", "c", "d"]
    frames = {}
    for side in ("ref", "cur"):
        data = {name: column(f"{name}_{side}") for name in numeric}
        data["k"] = np.fromfile(ROWS / f"k_{side}.u32", dtype="<u4").astype(str)
        frames[side] = pd.DataFrame(data)
    definition = DataDefinition(numerical_columns=numeric, categorical_columns=["k"])
    start = time.perf_counter()
    datasets = {side: Dataset.from_pandas(frame, data_definition=definition) for side, frame in frames.items()}
    Report([DataDriftPreset(method="psi")]).run(datasets["cur"], datasets["ref"])
    seconds = time.perf_counter() - start
    categories = float(re.search(r"k, 8 categories, psi: ([\d.]+)", OURS)[1])
    mine = [categories + sum(ours()[name][thread] for name in numeric) for thread in (0, 1)]
    print(f"evidently report, 4 numeric + 1 categorical column by PSI {seconds:.1f} s; ours with all four measures of each "
          f"numeric column {mine[0]:.3f} / {mine[1]:.3f} s; ratios {seconds / mine[0]:.0f} / {seconds / mine[1]:.0f}", flush=True)


if __name__ == "__main__":
    compare_columns()
    compare_fairness()
    compare_report()
