# The Ising model on a square lattice with periodic boundaries, by the Metropolis algorithm. It starts with all spins up.
# usage: awk -f random.awk -f ising.awk -v size=8 -v temp=2.0 -v sweeps=200 -v seed=1
# Prints the magnetisation and the energy per spin, averaged over the second half of the sweeps, as JSON.
BEGIN {
    seed_with(seed)
    sites = size * size
    for (i = 0; i < sites; i++) spin[i] = 1
    for (i = 0; i < sites; i++) {
        column = i % size
        right[i] = i - column + (column + 1) % size
        left[i] = i - column + (column + size - 1) % size
        below_it[i] = (i + size) % sites
        above[i] = (i + sites - size) % sites
    }
    for (t = 0; t < sweeps; t++) {
        for (k = 0; k < sites; k++) {
            i = below(sites)
            change = 2 * spin[i] * (spin[right[i]] + spin[left[i]] + spin[below_it[i]] + spin[above[i]])
            if (change <= 0 || uniform() < exp(-change / temp)) spin[i] = -spin[i]
        }
        if (t < sweeps / 2) continue
        m = 0
        e = 0
        for (i = 0; i < sites; i++) {
            m += spin[i]
            e -= spin[i] * (spin[right[i]] + spin[below_it[i]])
        }
        magnetisation += (m < 0 ? -m : m) / sites
        energy += e / sites
        counted++
    }
    printf "{\"magnetisation\": %.6f, \"energy\": %.6f}\n", magnetisation / counted, energy / counted
}
