# Tosses a fair coin: prints the number of heads, and the number of tosses until three heads in a row (its mean is 14).
# usage: awk -f random.awk -f coins.awk -v seed=1 -v tosses=100
BEGIN {
    seed_with(seed)
    heads = 0
    for (i = 0; i < tosses; i++) heads += below(2)
    run = 0
    until = 0
    while (run < 3) {
        run = below(2) ? run + 1 : 0
        until++
    }
    printf "heads = %d\nshare = %.6f\nuntil_three = %d\n", heads, heads / tosses, until
}
