# Ishigami's function, sin x1 + 7 sin² x2 + 0.1 x3⁴ sin x1, a common test for sensitivity analysis (Ishigami and Homma,
# ISUMA 1990). For inputs that are uniform on [-π, π], its mean is 3.5 and its variance is 13.8446.
# usage: awk -f ishigami.awk X1 X2 X3
BEGIN {
    printf "%.12f\n", sin(ARGV[1]) + 7 * sin(ARGV[2]) ^ 2 + 0.1 * ARGV[3] ^ 4 * sin(ARGV[1])
    exit
}
