# The travelling salesman by random search: the shortest of some random tours.
# usage: awk -f random.awk -f cities.awk -f tsp-random.awk -v cities=8 -v tours=100 -v seed=1
BEGIN {
    place_cities(cities)
    seed_with(seed)
    for (i = 0; i < cities; i++) tour[i] = i
    best = -1
    for (t = 0; t < tours; t++) {
        for (i = cities - 1; i > 0; i--) {      # Fisher-Yates shuffle
            j = below(i + 1)
            swap = tour[i]; tour[i] = tour[j]; tour[j] = swap
        }
        length_now = round_trip(cities)
        if (best < 0 || length_now < best) {
            best = length_now
            remember(cities)
        }
    }
    print_best(cities, best)
}
