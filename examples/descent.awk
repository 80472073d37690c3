# Minimises f(x, y) = (x² + 25 y²) / 2 from (1, 1) in 100 steps, by gradient descent with momentum or by Adam
# (Kingma and Ba, arXiv:1412.6980).
# usage: awk -f descent.awk -v rule=sgd -v rate=0.01 -v momentum=0.9        (momentum: only for sgd, default 0)
#        awk -f descent.awk -v rule=adam -v rate=0.01
BEGIN {
    p[1] = p[2] = 1
    scale[1] = 1; scale[2] = 25
    for (t = 1; t <= 100; t++) {
        for (i = 1; i <= 2; i++) {
            g = scale[i] * p[i]
            if (rule == "adam") {
                m[i] = 0.9 * m[i] + 0.1 * g
                s[i] = 0.999 * s[i] + 0.001 * g * g
                step = m[i] / (1 - 0.9 ^ t) / (sqrt(s[i] / (1 - 0.999 ^ t)) + 1e-8)
            } else {
                step = m[i] = momentum * m[i] + g
            }
            p[i] -= rate * step
        }
    }
    loss = (p[1] * p[1] + 25 * p[2] * p[2]) / 2
    printf "loss = %.6e\n", loss
}
