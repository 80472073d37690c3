# A damped oscillator, x'' = -k x - c x', from x = 1 at rest. An example of a program with an input deck: it reads lines
# `name value` from the file `in.osc` in the current folder, and writes lines `name = value` to `out.osc`.
# usage: awk -f oscillator.awk
function force(x, v) {
    return -k * x - c * v
}

function euler(h, a) {
    a = force(x, v)
    x += h * v
    v += h * a
}

function rk4(h, x1, v1, a1, x2, v2, a2, x3, v3, a3, x4, v4, a4) {
    x1 = x;              v1 = v;               a1 = force(x1, v1)
    x2 = x + h / 2 * v1; v2 = v + h / 2 * a1;  a2 = force(x2, v2)
    x3 = x + h / 2 * v2; v3 = v + h / 2 * a2;  a3 = force(x3, v3)
    x4 = x + h * v3;     v4 = v + h * a3;      a4 = force(x4, v4)
    x += h / 6 * (v1 + 2 * v2 + 2 * v3 + v4)
    v += h / 6 * (a1 + 2 * a2 + 2 * a3 + a4)
}

BEGIN {
    while ((getline line < "in.osc") > 0) {
        if (line ~ /^#/ || split(line, word, " ") < 2) continue
        deck[word[1]] = word[2]
    }
    k = deck["stiffness"]; c = deck["damping"]
    x = 1; v = 0
    h = deck["end"] / deck["steps"]
    for (i = 0; i < deck["steps"]; i++) {
        if (deck["method"] == "rk4") rk4(h)
        else euler(h)
    }
    # The exact solution, for damping below the critical damping.
    w = sqrt(k - c * c / 4)
    exact = exp(-c / 2 * deck["end"]) * (cos(w * deck["end"]) + c / (2 * w) * sin(w * deck["end"]))
    error = x - exact
    if (error < 0) error = -error
    printf "position = %.9f\nexact = %.9f\nerror = %.3e\n", x, exact, error > "out.osc"
    print "wrote out.osc"
}
