# Owns random numbers for the examples: the same from the same seed under every awk, whose own rand() differs.
# Lehmer's generator with modulus 2^31 - 1 and multiplier 48271 (Park, Miller and Stockmeyer, CACM 36(7), 1993); the
# products stay below 2^53, so a double holds them exactly.

function seed_with(number, i) {
    state = number % 2147483647
    if (state <= 0) state = 1
    for (i = 0; i < 20; i++) uniform()      # neighbouring seeds part
}

# Uniform on (0, 1).
function uniform() {
    state = (state * 48271) % 2147483647
    return state / 2147483647
}

# A whole number from 0 to n - 1.
function below(n) {
    return int(uniform() * n)
}
