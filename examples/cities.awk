# The cities of the travelling salesman: points in the unit square, always the same ones.

function place_cities(n, i, j) {
    seed_with(1956)
    for (i = 0; i < n; i++) {
        x[i] = uniform()
        y[i] = uniform()
    }
    for (i = 0; i < n; i++)
        for (j = 0; j < n; j++)
            distance[i, j] = sqrt((x[i] - x[j]) ^ 2 + (y[i] - y[j]) ^ 2)
}

# Returns the length of the round trip tour[0] … tour[n-1].
function round_trip(n, i, sum) {
    sum = distance[tour[n - 1], tour[0]]
    for (i = 1; i < n; i++) sum += distance[tour[i - 1], tour[i]]
    return sum
}

function print_best(n, length_found, i, text) {
    text = best_tour[0]
    for (i = 1; i < n; i++) text = text "-" best_tour[i]
    printf "{\"length\": %.9f, \"tour\": \"%s\"}\n", length_found, text
}

function remember(n, i) {
    for (i = 0; i < n; i++) best_tour[i] = tour[i]
}
