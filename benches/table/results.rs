//! Owns the results of a measured job.

use ::sweep::value::Value;

/// Seven results, different for each job; their JSON has about 140 bytes.
pub fn results(index: u64) -> Vec<(String, Value)> {
    let x = index as f64;
    let float = |value: f64| Value::Float((value * 1e6).round() / 1e6);
    [
        ("energy", float(-1.5 + (x * 0.37).sin())),
        ("energy_sd", float(0.1 + (x * 0.11).cos().abs() / 20.0)),
        ("magnetization", float((x * 0.73).sin().abs())),
        ("susceptibility", float(12.0 + (x * 0.19).cos())),
        ("accepted", Value::Int((index * 7919 % 100_000) as i64)),
        ("sweeps", Value::Int(100_000)),
        ("converged", Value::Bool(!index.is_multiple_of(50))),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}
