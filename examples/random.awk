# Random numbers for the examples. One seed gives the same numbers in every awk; the rand() of different awks differs.
# Lehmer's generator with modulus 2^31 - 1 and multiplier 48271 (Park, Miller and Stockmeyer, CACM 36(7), 1993). The
# products stay below 2^53, so a double represents them exactly.

function seed_with(number, i) {
    state = number % 2147483647
    if (state <= 0) state = 1
    for (i = 0; i < 20; i++) uniform()      # so that neighbouring seeds give different sequences
}

# Returns a number that is uniform on (0, 1).
function uniform() {
    state = (state * 48271) % 2147483647
    return state / 2147483647
}

# Returns a whole number from 0 to n - 1.
function below(n) {
    return int(uniform() * n)
}
