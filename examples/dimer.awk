# Two molecules that attract each other: finds the distance with the lowest energy in a Mie potential,
# n/(n-6) (n/6)^(6/(n-6)) ε ((σ/r)^n - (σ/r)^6). n = 12 is the Lennard-Jones potential.
# usage: awk -f dimer.awk -v title=TITLE -- FORCEFIELD EPSILON SIGMA          (FORCEFIELD: lj, mie14 or mie10)
# Prints distance and depth as JSON, also in units of σ and ε (`reduced`).
function energy(r) {
    return front * epsilon * ((sigma / r) ^ n - (sigma / r) ^ 6)
}

BEGIN {
    exponent["lj"] = 12; exponent["mie14"] = 14; exponent["mie10"] = 10
    if (!(ARGV[1] in exponent)) {
        print "no force field " ARGV[1] > "/dev/stderr"
        exit 2
    }
    print title > "/dev/stderr"
    n = exponent[ARGV[1]]; epsilon = ARGV[2]; sigma = ARGV[3]
    front = n / (n - 6) * (n / 6) ^ (6 / (n - 6))
    low = sigma; high = 2 * sigma
    while (high - low > 1e-9 * sigma) {         # the energy has a single minimum in this interval
        one = low + (high - low) / 3
        two = high - (high - low) / 3
        if (energy(one) < energy(two)) high = two
        else low = one
    }
    printf "{\"distance\": %.6f, \"depth\": %.9f, \"reduced\": {\"distance\": %.6f, \"depth\": %.6f}}\n",
        low, energy(low), low / sigma, energy(low) / epsilon
    exit
}
