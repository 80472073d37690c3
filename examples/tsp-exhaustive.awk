# The travelling salesman by exhaustive search: the shortest of all tours that start with 0, SECOND.
# usage: awk -f random.awk -f cities.awk -f tsp-exhaustive.awk -v cities=8 -v second=1
BEGIN {
    place_cities(cities)
    tour[0] = 0
    tour[1] = second
    used[0] = used[second] = 1
    best = -1
    extend(2)
    print_best(cities, best)
}

# Tries every unused city at position k, and continues recursively.
function extend(k, city, length_now) {
    if (k == cities) {
        length_now = round_trip(cities)
        if (best < 0 || length_now < best) {
            best = length_now
            remember(cities)
        }
        return
    }
    for (city = 1; city < cities; city++)
        if (!used[city]) {
            used[city] = 1
            tour[k] = city
            extend(k + 1)
            used[city] = 0
        }
}
