//! Owns the list of keys of a sweep file: the keys of this version, the keys planned for a later version, and common
//! misspellings. A new key is added here first.

/// The keys of one kind of table.
pub(super) struct Keys<'a> {
    /// The table, as messages name it: `[job]`, `the top of the file`.
    pub place: &'a str,
    /// Keys that this version supports.
    pub known: &'a [&'static str],
    /// Keys that are planned for a later version.
    pub later: &'static [&'static str],
    /// What people type instead, and the right key.
    pub aliases: &'static [(&'static str, &'static str)],
}

pub(super) const TOP: Keys<'static> = Keys {
    place: "the top of the file",
    known: &[
        "name",
        "command",
        "repeats",
        "draws",
        "root-seed",
        "sampling",
        "randomizations",
        "common-draws",
        "where",
        "grid",
        "zip",
        "random",
        "derived",
        "points",
        "block",
        "job",
        "files",
        "templates",
        "results",
    ],
    later: &[],
    aliases: &[
        ("cmd", "command"),
        ("run", "command"),
        ("seed", "root-seed"),
        ("samples", "draws"),
        ("replicates", "repeats"),
        ("replications", "repeats"),
        ("runs", "repeats"),
        ("params", "grid"),
        ("parameters", "grid"),
        ("output", "results"),
        ("filter", "where"),
        ("condition", "where"),
        ("conditions", "where"),
        ("exclude", "where"),
        ("scrambles", "randomizations"),
        ("sampler", "sampling"),
        ("computed", "derived"),
        ("blocks", "block"),
        ("template", "templates"),
        ("decks", "templates"),
    ],
};

pub(super) const BLOCK: Keys<'static> = Keys {
    place: "a [[block]]",
    known: &["grid", "zip", "random", "derived", "points", "where", "without"],
    later: &[],
    aliases: &[
        ("filter", "where"),
        ("condition", "where"),
        ("exclude", "without"),
        ("drop", "without"),
        ("remove", "without"),
        ("unset", "without"),
    ],
};

pub(super) const POINTS: Keys<'static> = Keys {
    place: "[points]",
    known: &["file", "header", "separator", "columns", "types", "rename", "duplicates"],
    later: &[],
    aliases: &[
        ("path", "file"),
        ("csv", "file"),
        ("from", "file"),
        ("type", "types"),
        ("names", "rename"),
        ("sep", "separator"),
        ("delimiter", "separator"),
    ],
};

pub(super) const GLOB: Keys<'static> =
    Keys { place: "values that are paths", known: &["glob"], later: &[], aliases: &[] };

pub(super) const LINES: Keys<'static> =
    Keys { place: "values from the lines of a file", known: &["lines", "type"], later: &[], aliases: &[] };

pub(super) const JOB: Keys<'static> = Keys {
    place: "[job]",
    known: &[
        "timeout",
        "retries",
        "retry-delay",
        "retry-on",
        "max-failures",
        "memory",
        "env",
        "stdin",
        "dir",
        "queue",
        "shell",
        "logs",
        "logs-limit",
        "ok-exit-codes",
    ],
    later: &["cpus", "gpus"],
    aliases: &[
        ("directory", "dir"),
        ("cwd", "dir"),
        ("workdir", "dir"),
        ("environment", "env"),
        ("retry", "retries"),
        ("mem", "memory"),
        ("max-memory", "memory"),
        ("failures", "max-failures"),
        ("max-fails", "max-failures"),
        ("log", "logs"),
        ("keep-logs", "logs"),
        ("output", "logs"),
        ("log-limit", "logs-limit"),
        ("logs-size", "logs-limit"),
        ("exit-codes", "ok-exit-codes"),
        ("success-codes", "ok-exit-codes"),
        ("ok-codes", "ok-exit-codes"),
    ],
};

pub(super) const RESULTS: Keys<'static> = Keys {
    place: "[results]",
    known: &["format", "from", "columns", "row", "where", "reduce", "require", "on-timeout"],
    later: &[],
    aliases: &[
        ("required", "require"),
        ("file", "from"),
        ("path", "from"),
        ("regex", "columns"),
        ("pattern", "columns"),
        ("patterns", "columns"),
        ("paths", "columns"),
        ("fields", "columns"),
        ("type", "format"),
        ("rows", "row"),
        ("filter", "where"),
        ("condition", "where"),
        ("reducer", "reduce"),
        ("aggregate", "reduce"),
        ("timeout", "on-timeout"),
    ],
};

/// The keys of one of the `columns` of [results].
pub(super) const RESULT_COLUMN: Keys<'static> = Keys {
    place: "a column of [results]",
    known: &["pattern", "column", "reduce"],
    later: &[],
    aliases: &[("regex", "pattern"), ("name", "column"), ("position", "column"), ("reducer", "reduce")],
};

pub(super) const FILES: Keys<'static> = Keys {
    place: "[files]",
    known: &["watch", "ignore", "root", "observe"],
    later: &["include"],
    aliases: &[("watched", "watch"), ("inputs", "watch"), ("depends", "watch"), ("exclude", "ignore")],
};

pub(super) const RANGE: Keys<'static> = Keys {
    place: "a range",
    known: &["from", "to", "count", "step", "scale"],
    later: &[],
    aliases: &[
        ("start", "from"),
        ("min", "from"),
        ("low", "from"),
        ("stop", "to"),
        ("end", "to"),
        ("max", "to"),
        ("high", "to"),
        ("num", "count"),
        ("n", "count"),
        ("points", "count"),
        ("by", "step"),
        ("spacing", "scale"),
        ("values", "[…]"),
        ("file", "lines"),
        ("pattern", "glob"),
    ],
};

/// A distribution: its name and its keys besides `dist`.
pub(super) struct Distribution {
    pub name: &'static str,
    pub keys: &'static [&'static str],
}

pub(super) const DISTRIBUTIONS: [Distribution; 14] = [
    Distribution { name: "uniform", keys: &["min", "max"] },
    Distribution { name: "log-uniform", keys: &["min", "max"] },
    Distribution { name: "int", keys: &["min", "max"] },
    Distribution { name: "log-int", keys: &["min", "max"] },
    Distribution { name: "normal", keys: &["mean", "sd"] },
    Distribution { name: "truncated-normal", keys: &["mean", "sd", "min", "max"] },
    Distribution { name: "log-normal", keys: &["mu", "sigma"] },
    Distribution { name: "exponential", keys: &["rate"] },
    Distribution { name: "gamma", keys: &["shape", "scale"] },
    Distribution { name: "beta", keys: &["alpha", "beta"] },
    Distribution { name: "triangular", keys: &["min", "mode", "max"] },
    Distribution { name: "poisson", keys: &["mean"] },
    Distribution { name: "choice", keys: &["values", "weights"] },
    Distribution { name: "permutation", keys: &["of"] },
];

/// Keys that every distribution of numbers has.
pub(super) const OF_NUMBERS: [&str; 2] = ["clip", "round"];

/// Other names for distributions.
pub(super) const OTHER_DISTRIBUTIONS: [(&str, &str); 12] = [
    ("gaussian", "normal"),
    ("integer", "int"),
    ("randint", "int"),
    ("loguniform", "log-uniform"),
    ("lognormal", "log-normal"),
    ("truncnorm", "truncated-normal"),
    ("truncnormal", "truncated-normal"),
    ("exp", "exponential"),
    ("expon", "exponential"),
    ("triangle", "triangular"),
    ("shuffle", "permutation"),
    ("categorical", "choice"),
];

/// Other names for the keys of distributions.
pub(super) const DISTRIBUTION_ALIASES: &[(&str, &str)] = &[
    ("from", "min"),
    ("low", "min"),
    ("lower", "min"),
    ("to", "max"),
    ("high", "max"),
    ("upper", "max"),
    ("mu", "mean"),
    ("loc", "mean"),
    ("std", "sd"),
    ("stddev", "sd"),
    ("sigma", "sd"),
    ("scale", "sd"),
    ("mean", "mu"),
    ("sd", "sigma"),
    ("std", "sigma"),
    ("lambda", "rate"),
    ("lambda", "mean"),
    ("rate", "mean"),
    ("k", "shape"),
    ("theta", "scale"),
    ("a", "alpha"),
    ("b", "beta"),
    ("peak", "mode"),
    ("bounds", "clip"),
    ("step", "round"),
    ("q", "round"),
    ("probabilities", "weights"),
    ("p", "weights"),
    ("choices", "values"),
    ("options", "values"),
    ("n", "of"),
    ("distribution", "dist"),
    ("type", "dist"),
];

pub(super) const FORMATS: [&str; 7] = ["auto", "json", "keyvalue", "regex", "number", "table", "none"];

/// The message for a planned key.
pub(super) fn not_yet(what: &str) -> String {
    format!("{what} is not supported yet by this version of sweep ({})", env!("CARGO_PKG_VERSION"))
}

/// The table that a key belongs to, if it belongs to exactly one.
pub(super) fn home(key: &str) -> Option<&'static str> {
    [&TOP, &JOB, &FILES, &RESULTS].into_iter().find(|keys| keys.known.contains(&key)).map(|keys| keys.place)
}
