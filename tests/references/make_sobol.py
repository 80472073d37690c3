"""Computes sobol.csv: points of the Sobol sequence as published, unscrambled.

    pip install scipy && python3 make_sobol.py > sobol.csv

Each line: the number of the point, then its coordinates as whole numbers over 2^30, in dimensions 1 to 512 of the
direction numbers new-joe-kuo-6, from scipy.stats.qmc.Sobol(512, scramble=False, bits=30).
"""

from scipy.stats import qmc

sobol = qmc.Sobol(512, scramble=False, bits=30)
at = 0
for point in [*range(0, 12), 1023, 1024, 123456, 999_999]:
    if point > at:
        sobol.fast_forward(point - at)
    coordinates = sobol.random(1)[0]
    at = point + 1
    print(point, *(int(x * 2**30) for x in coordinates), sep=",")
