"""Computes statistics.csv: reference values of `sweep stats`, at 60 digits with mpmath.

    pip install mpmath scipy && python3 make_statistics.py > statistics.csv

Lines:
  t, probability outside of -t..t, degrees of freedom, t
  wilson, successes, n, lower end, upper end of the 95 % interval
  sample, name, mean, sd, se, lower end, upper end of the 95 % interval, quantiles 0.025, 0.3, 0.5, 0.975 (type 7)

A t quantile is the root of mpmath's regularized incomplete beta function, starting from scipy's value, and must agree
with scipy's value to 9 digits. The samples are made here and in src/table/stats/tests.rs by the same rule; each value is
the double nearest to its decimals. Their quantiles must agree with numpy's, whose default is also R's type 7.
The samples `numacc3` and `numacc4` are those of NIST, whose certified means and standard deviations are 1000000.2,
10000000.2 and 0.1 (https://www.itl.nist.gov/div898/strd/univ/numacc4.html).
"""

import mpmath as mp
import numpy as np
from scipy import stats

mp.mp.dps = 60


def t_quantile(outside, df):
    outside, df = mp.mpf(outside), mp.mpf(df)
    tail = lambda t: mp.betainc(df / 2, mp.mpf(1) / 2, 0, df / (df + t * t), regularized=True)
    start = stats.t.ppf(1 - float(outside) / 2, float(df))
    t = mp.findroot(lambda t: mp.log(tail(t)) - mp.log(outside), start)
    assert abs(t / start - 1) < 1e-9, (outside, df, t, start)
    return t


def wilson(k, n):
    z = mp.sqrt(2) * mp.erfinv(mp.mpf("0.95"))
    p, n = mp.mpf(k) / n, mp.mpf(n)
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * mp.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return centre - half, centre + half


def quantile(xs, p):
    """Type 7 of R: https://stat.ethz.ch/R-manual/R-devel/library/stats/html/quantile.html"""
    xs = sorted(xs)
    h = (len(xs) - 1) * mp.mpf(p)
    low = int(mp.floor(h))
    high = min(low + 1, len(xs) - 1)
    value = mp.mpf(xs[low]) + (h - low) * (mp.mpf(xs[high]) - mp.mpf(xs[low]))
    assert abs(value - np.quantile(xs, float(p))) <= 1e-12 * max(1, abs(value))
    return value


def samples():
    yield "two", [1.0, 2.5]
    yield "decimals", [(i * 7919 % 1009) / 1009 for i in range(1, 101)]
    yield "wide", [(-1.0) ** i * 2.0 ** (i % 40 - 20) for i in range(1, 1001)]
    yield "far", [1e9 + (i * 31 % 97) / 97 for i in range(1, 501)]
    yield "numacc3", [1000000.2] + [1000000.1, 1000000.3] * 500
    yield "numacc4", [10000000.2] + [10000000.1, 10000000.3] * 500


def show(x):
    return mp.nstr(x, 20)


for outside in [0.05, 0.1, 0.01, 1e-6]:
    for df in [1, 2, 3, 4, 5, 7, 10, 29, 63, 100, 499, 1000, 99_999, 10_000_000]:
        print("t", repr(outside), df, show(t_quantile(outside, df)), sep=",")
for k, n in [(0, 2), (1, 2), (2, 2), (0, 10), (3, 10), (10, 10), (1, 500), (250, 500), (499, 500), (123456, 1000000)]:
    print("wilson", k, n, *map(show, wilson(k, n)), sep=",")
for name, xs in samples():
    exact = [mp.mpf(x) for x in xs]
    n = len(xs)
    mean = mp.fsum(exact) / n
    sd = mp.sqrt(mp.fsum((x - mean) ** 2 for x in exact) / (n - 1))
    se = sd / mp.sqrt(n)
    half = t_quantile(0.05, n - 1) * se
    qs = [quantile(xs, p) for p in (0.025, 0.3, 0.5, 0.975)]
    print("sample", name, *map(show, [mean, sd, se, mean - half, mean + half, *qs]), sep=",")
