"""Computes quantiles.csv: reference quantiles of the distributions, at 75 digits with mpmath.

    pip install mpmath scipy && python3 make_quantiles.py > quantiles.csv

Each line: distribution, its parameters, the probability u (a double, written exactly), the quantile rounded to 20
digits. A continuous quantile starts from scipy's value and is refined by Newton's method on mpmath's distribution
function to 40 digits. A Poisson quantile is the smallest k whose distribution function, summed with mpmath, is at least
u.
"""

import sys

import mpmath as mp
from scipy import stats

mp.mp.dps = 75
US = [1e-12, 1e-9, 1e-5, 0.001, 0.025, 0.3, 0.5, 0.7, 0.975, 0.999, 1 - 1e-5, 1 - 1e-9, 1 - 1e-12]
SMALLEST = mp.mpf("1e-300")


def line(name, params, u, x):
    print(name, " ".join(map(repr, params)), repr(u), mp.nstr(x, 20), sep=",")
    sys.stdout.flush()


def newton(tail, start, target):
    """The t at which ln tail(t) is ln target; ln tail is concave, so Newton's method converges."""
    t = mp.mpf(start)
    for _ in range(200):
        step = (mp.log(tail(t)) - mp.log(target)) / mp.diff(lambda s: mp.log(tail(s)), t)
        step = max(min(step, 3), -3)
        t -= step
        if abs(step) < mp.mpf(10) ** -25 * max(1, abs(t)):
            return t
    raise ArithmeticError("no convergence")


def gamma(shape, u):
    a, u = mp.mpf(shape), mp.mpf(u)
    small = mp.exp((mp.log(u) + mp.loggamma(a + 1)) / a)
    if small < SMALLEST:
        return mp.mpf(0)
    start = stats.gamma.ppf(float(u), shape)
    start = mp.log(start) if start > 1e-290 else mp.log(small)
    if u <= 0.5:
        return mp.exp(newton(lambda t: mp.gammainc(a, 0, mp.exp(t), regularized=True), start, u))
    return mp.exp(newton(lambda t: mp.gammainc(a, mp.exp(t), mp.inf, regularized=True), start, 1 - u))


def lower_beta(a, b, x):
    """The regularized incomplete beta function, by DLMF 8.17.8, whose terms are all positive, or by its complement."""
    if x > 0.5:
        return 1 - lower_beta(b, a, 1 - x)
    y = 1 - x
    total = term = mp.mpf(1)
    n = 0
    while term > total * mp.mpf(10) ** -70:
        term = term * (a + b + n) / (a + 1 + n) * x
        total += term
        n += 1
    return mp.exp(a * mp.log(x) + b * mp.log(y) - mp.log(a) - BETA[a, b]) * total


BETA = {}


def beta(alpha, beta_, u):
    a, b, u = mp.mpf(alpha), mp.mpf(beta_), mp.mpf(u)
    BETA[a, b] = BETA[b, a] = mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b)
    small = mp.exp((mp.log(u) + mp.log(a) + BETA[a, b]) / a)
    if small < SMALLEST:
        return mp.mpf(0)
    start = stats.beta.ppf(float(u), alpha, beta_)
    start = mp.mpf(start) if 1e-290 < start else small
    if start > 1 - mp.mpf("1e-14"):
        start = 1 - mp.exp((mp.log(1 - u) + mp.log(b) + BETA[a, b]) / b)
        if 1 - start < mp.mpf("1e-17"):
            return mp.mpf(1)
    start = mp.log(start / (1 - start))
    x = lambda t: 1 / (1 + mp.exp(-t))
    if u <= 0.5:
        return x(newton(lambda t: lower_beta(a, b, x(t)), start, u))
    return x(newton(lambda t: lower_beta(b, a, 1 - x(t)), start, 1 - u))


def normal_tail(z):
    return mp.erfc(z / mp.sqrt(2)) / 2


def truncated(mean, sd, low, high, u):
    mean, sd, low, high, u = map(mp.mpf, (mean, sd, low, high, u))
    a, b = (low - mean) / sd, (high - mean) / sd
    sign = 1
    if a + b < 0:
        a, b, u, sign = -b, -a, 1 - u, -1
    # In the upper half, both tails are known with full precision.
    with mp.workdps(75 + int(a * a / 2 / 2.3) if a > 0 else 75):
        target = normal_tail(a) * (1 - u) + normal_tail(b) * u
        lo, hi = a, b
        z = None
        for _ in range(400):
            z = (lo + hi) / 2
            if normal_tail(z) > target:
                lo = z
            else:
                hi = z
            if hi - lo < mp.mpf(10) ** -30:
                break
    return mean + sd * sign * z


def poisson(mean, u):
    m, u = mp.mpf(mean), mp.mpf(u)
    sd = mp.sqrt(m)
    # scipy's value is close. Terms far below it are added until they no longer matter.
    k = int(stats.poisson.ppf(float(u), mean))
    term = lambda k: mp.exp(k * mp.log(m) - m - mp.loggamma(k + 1))
    if u <= 0.5:
        t, j, total = term(k), k, mp.mpf(0)
        while j >= 0 and t > mp.mpf(10) ** -40:
            total += t
            t = t * j / m
            j -= 1
        cdf = total
        while cdf >= u and k >= 0:
            cdf -= term(k)
            k -= 1
        while cdf < u:
            k += 1
            cdf += term(k)
        return k
    t, j, total = term(k + 1), k + 1, mp.mpf(0)
    while t > mp.mpf(10) ** -40:
        total += t
        j += 1
        t = t * m / j
    survival = total
    while survival <= 1 - u and k >= 0:
        survival += term(k)
        k -= 1
    while survival > 1 - u:
        k += 1
        survival -= term(k)
    return k


def main():
    for u in US:
        z = mp.sqrt(2) * mp.erfinv(2 * mp.mpf(u) - 1)
        for mu, sigma in [(0.0, 1.0), (3.5, 0.25), (-20.0, 5.0)]:
            line("log-normal", (mu, sigma), u, mp.exp(mp.mpf(mu) + mp.mpf(sigma) * z))
        for rate in [1.0, 1e-6, 2.5e7]:
            line("exponential", (rate,), u, -mp.log(1 - mp.mpf(u)) / mp.mpf(rate))
        for low, mode, high in [(0.0, 0.0, 1.0), (0.0, 1.0, 1.0), (-3.0, 1.5, 2.0)]:
            l, m, h, p = map(mp.mpf, (low, mode, high, u))
            c = (m - l) / (h - l)
            x = l + mp.sqrt(p * c) * (h - l) if p < c else h - mp.sqrt((1 - p) * (1 - c)) * (h - l)
            line("triangular", (low, mode, high), u, x)
        for p in [(0.0, 1.0, -1.0, 2.0), (1.0, 2.0, 0.0, 100.0), (0.0, 1.0, 6.0, 7.0), (0.0, 1.0, -40.0, -39.0),
                  (5.0, 0.5, -10.0, 3.0), (0.0, 1.0, 4.9, 30.0), (0.0, 1.0, -60.0, 60.0)]:
            line("truncated-normal", p, u, truncated(*p, u))
        for low, high in [(1, 10), (1, 10**6), (7, 7), (3, 10**12)]:
            x = mp.exp(mp.log(low) + (mp.log(high + 1) - mp.log(low)) * mp.mpf(u))
            line("log-int", (low, high), u, mp.floor(x))
        for mean in [1e-3, 0.5, 1.0, 4.0, 30.5, 999.0, 1e4, 123456.78, 1e6, 1e9]:
            line("poisson", (mean,), u, mp.mpf(poisson(mean, u)))
        for shape in [0.01, 0.1, 0.5, 0.999, 1.0, 1.5, 3.0, 20.0, 150.0, 950.0, 1050.0, 1e4, 1e6]:
            line("gamma", (shape, 2.5), u, gamma(shape, u) * mp.mpf(2.5))
        for a, b in [(0.01, 0.01), (0.01, 3.0), (0.1, 0.5), (0.5, 0.5), (1.0, 1.0), (2.0, 5.0), (7.5, 0.3), (40.0, 60.0),
                     (1000.0, 3.0), (1e4, 1e4), (0.01, 1e5), (1e6, 1e6), (1e6, 2.0), (5.0, 1e6)]:
            line("beta", (a, b), u, beta(a, b, u))


main()
