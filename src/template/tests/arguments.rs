//! Tests that a value stays one argument, with and without a shell.

use std::process::Command as Process;

use super::*;

#[test]
fn a_value_stays_one_argument() {
    for nasty in NASTY {
        let spec = text("p {{ x }}. --x={{ x }} {{ x ~ '' }}.", &["x"]);
        assert_eq!(
            argv(&spec, vec![nasty.into()]),
            ["p", &format!("{nasty}."), &format!("--x={nasty}"), &format!("{nasty}.")]
        );
    }
}

fn run_shell(command: &str, value: &str) -> String {
    let mut spec = text(command, &["x"]);
    spec.job.shell = true;
    let argv = argv(&spec, vec![value.into()]);
    let out = Process::new(&argv[0]).args(&argv[1..]).env("HOME", "no").output().unwrap();
    assert!(out.stderr.is_empty(), "{argv:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

#[test]
fn a_value_stays_one_argument_for_a_shell_too() {
    let ways = [
        "printf '<%s>' {{ x }}",
        "printf '<%s>' {{ x | string }}",
        "printf '<%s>' {{ '' ~ x }}",
        "printf '<%s>' {{ x | e }}",
        "{% macro m(v) %}{{ v }}{% endmacro %}printf '<%s>' {{ m(x) }}",
        "{% set v %}{{ x }}{% endset %}printf '<%s>' {{ v }}",
        "printf '<%s>' {% for v in [x] %}{{ v }}{% endfor %}",
        "printf '<%s>' {% autoescape false %}{{ x }}{% endautoescape %}",
        "printf '<%s>' {{ [x] | join(' ') }}",
        "printf '<%s>' {{ [x] | first }}",
        "printf '<%s>' {{ '%s' | format(x) }}",
        "printf '<%s>' {{ x | replace('no', 'no') }}",
    ];
    for nasty in NASTY {
        for way in ways {
            assert_eq!(run_shell(way, nasty), format!("<{nasty}>"), "{way} with {nasty:?}");
        }
    }
}

#[test]
fn safe_turns_quoting_off() {
    assert_eq!(run_shell("printf '<%s>' {{ x | safe }}", "a b"), "<a><b>");
    assert_eq!(run_shell("printf '<%s>' x{{ '--y' if x == 'no' }}", "a"), "<x>");
}
