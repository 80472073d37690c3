//! Tests of templates as a whole: rendering and errors. `arguments`: that a value stays one argument.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::expr::Rules;
use crate::job::RetryPolicy;
use crate::model::{self, JobSettings, TemplateFile};
use crate::space::SpaceSpec;
use crate::value::Value;

mod arguments;

fn spec(command: model::Command, names: &[&str]) -> Spec {
    Spec {
        name: "test".into(),
        command,
        rules: Rules::Second,
        keeps_empty_words: true,
        space: SpaceSpec { order: names.iter().map(|name| (*name).to_owned()).collect(), ..SpaceSpec::default() },
        job: JobSettings {
            timeout: None,
            retry: RetryPolicy::NEVER,
            max_failures: None,
            keep_going: false,
            memory: None,
            queue: "default".into(),
            env: vec![],
            stdin: None,
            dir: None,
            shell: false,
            logs: model::Logs { succeeded: 0, failed: 0 },
            ok_exit_codes: vec![0],
        },
        templates: vec![],
        files: Default::default(),
        results: vec![],
    }
}

fn text(command: &str, names: &[&str]) -> Spec {
    spec(model::Command::Text(command.into()), names)
}

fn words(command: &[&str], names: &[&str]) -> Spec {
    spec(model::Command::Words(command.iter().map(|word| (*word).to_owned()).collect()), names)
}

fn point(params: Vec<Value>) -> Point {
    Point {
        index: 417,
        params,
        draw: 2,
        randomization: 0,
        repeat: 3,
        seed: 9_007_199_254_740_991,
        seed32: 2_147_483_647,
        fault: None,
    }
}

fn render(spec: &Spec, params: Vec<Value>) -> Result<Rendered, RenderError> {
    let names: Arc<[String]> = spec.space.order.clone().into();
    let point = point(params);
    let context = JobContext { sweep: "test-3", names: &names, point: &point, attempt: 2, cpus: 4, here: "/home/a b" };
    JobTemplate::compile(spec).expect("it compiles").render(&context)
}

fn argv(spec: &Spec, params: Vec<Value>) -> Vec<String> {
    render(spec, params).unwrap().argv
}

fn errors(spec: &Spec) -> Vec<TemplateError> {
    JobTemplate::compile(spec).expect_err("it does not compile")
}

#[test]
fn values_print_as_everywhere_in_plain_words_and_in_expressions() {
    let spec = text(
        "p {{ i }} {{ f }} {{ b }} {{ t }} {{ i | abs }} {{ f + 0 }} {{ b and true }} {{ t | upper }} {{ 1e-5 }} {{ i / 2 }}",
        &["i", "f", "b", "t"],
    );
    let params = vec![Value::Int(-3), Value::Float(1e-7), Value::Bool(true), "a b".into()];
    assert_eq!(argv(&spec, params), ["p", "-3", "1e-7", "true", "a b", "3", "1e-7", "true", "A B", "1e-5", "-1.5"]);
}

#[test]
fn built_in_names() {
    let plain =
        "p {{seed}} {{ seed32 }} {{ draw }} {{ repeat }} {{ job }} {{ attempt }} {{ sweep }} {{ cpus }} {{ here }}";
    let expected = ["p", "9007199254740991", "2147483647", "2", "3", "417", "2", "test-3", "4", "/home/a b"];
    assert_eq!(argv(&text(plain, &[]), vec![]), expected);
    let by_engine = plain.replace("}}", "| string }}");
    assert_eq!(argv(&text(&by_engine, &[]), vec![]), expected);
}

#[test]
fn a_word_that_says_nothing_is_dropped_unless_quoted() {
    let spec = text("p {% if m is defined %}--m={{ m }}{% endif %} '{{ e }}' {{ e }} \"\" z", &["m", "e"]);
    assert_eq!(argv(&spec, vec![Value::Missing, "".into()]), ["p", "", "", "", "z"]);
    let first = Spec { keeps_empty_words: false, ..spec.clone() };
    assert_eq!(argv(&first, vec![Value::Missing, "".into()]), ["p", "", "", "z"]);
    assert_eq!(argv(&spec, vec![Value::Float(0.9), "x".into()]), ["p", "--m=0.9", "x", "x", "", "z"]);
    let spec = words(&["p", "{{ e }}", "a b", "'{{ e }}'"], &["e"]);
    assert_eq!(argv(&spec, vec!["".into()]), ["p", "", "a b", "''"]);
}

#[test]
fn flags_become_words() {
    let params = || vec![Value::Int(1), Value::Missing, "x y".into()];
    let expected = ["p", "--a", "1", "--c", "x y", "q"];
    assert_eq!(argv(&text("p {{ flags }} q", &["a", "b", "c"]), params()), expected);
    assert_eq!(argv(&words(&["p", "{{flags}}", "q"], &["a", "b", "c"]), params()), expected);
    let mut shell = text("p {{ flags }} q", &["a", "b", "c"]);
    shell.job.shell = true;
    assert_eq!(argv(&shell, params()), ["sh", "-c", "p --a 1 --c 'x y' q"]);
    let error = &errors(&text("p --all={{ flags }}", &["a"]))[0];
    assert_eq!((error.message.as_str(), error.at.clone()), ("`{{ flags }}` must be a word of its own", Some(11..16)));
}

#[test]
fn template_files_are_rendered_and_checked() {
    let mut spec = text("p", &["x"]);
    let deck =
        |name: &str, text: &str| TemplateFile { name: name.into(), file: format!("{name}.j2"), text: text.into() };
    spec.templates = vec![deck("in", "x {{ x }}\nseed {{ seed }} in {{ dir }}\n"), deck("a/b", "\0{{ x + 1 }}")];
    spec.job.dir = Some("d{{ job }}".into());
    let rendered = render(&spec, vec![Value::Int(1)]).unwrap();
    let files = [("in", "x 1\nseed 9007199254740991 in /home/a b/d417\n"), ("a/b", "\u{0}2")];
    assert_eq!(rendered.files, files.map(|(name, text)| (name.to_owned(), text.to_owned())));
    spec.templates[1].text = "one\ntwo {{ y }}".into();
    let error = &errors(&spec)[0];
    assert_eq!((&error.place, error.at.clone()), (&TemplateLocation::File("a/b".into()), Some(11..12)));
}

#[test]
fn a_directory_that_does_not_depend_on_the_point_is_shared() {
    let one_for_all = |dir: Option<&str>| {
        let mut spec = text("p {{ x }} {{ job }}", &["x"]);
        spec.job.dir = dir.map(str::to_owned);
        JobTemplate::compile(&spec).unwrap().one_dir_for_all()
    };
    for dir in ["d", "{{ here }}/d", "{{ sweep }}/{{ attempt }}"] {
        assert!(one_for_all(Some(dir)), "{dir}");
    }
    for dir in ["{{ job }}", "{{ x }}", "{% if x > 1 %}a{% else %}b{% endif %}", "{{ seed }}", "{{ repeat }}"] {
        assert!(!one_for_all(Some(dir)), "{dir}");
    }
    assert!(!one_for_all(None));
}

#[test]
fn quoted_braces_are_text() {
    let command = r"p \{{{ x }} '{'{ '{'% {% raw %}{{ x }} {%{% endraw %} ${HOME} {a,b}";
    let expected = ["p", "{1", "{{", "{%", "{{ x }} {%", "${HOME}", "{a,b}"];
    assert_eq!(argv(&text(command, &["x"]), vec![Value::Int(1)]), expected);
}

#[test]
fn env_stdin_and_dir_are_templates_and_see_dir() {
    let mut spec = text("p {{ dir }}", &["x"]);
    spec.job.dir = Some("runs/{{ x }}".into());
    spec.job.env = vec![("A".into(), "{{ x }} {{ dir | upper }}".into())];
    spec.job.stdin = Some("{% for i in range(3) %}{{ i }}\n{% endfor %}\n".into());
    let rendered = render(&spec, vec!["a".into()]).unwrap();
    assert_eq!(rendered.dir.as_deref(), Some("/home/a b/runs/a"));
    assert_eq!(rendered.argv, ["p", "/home/a b/runs/a"]);
    assert_eq!(rendered.env, [("A".to_owned(), "a /HOME/A B/RUNS/A".to_owned())]);
    assert_eq!(rendered.stdin.as_deref(), Some("0\n1\n2\n\n"));
    spec.job.dir = None;
    let rendered = render(&spec, vec!["a".into()]).unwrap();
    assert_eq!((rendered.dir, rendered.argv), (None, vec!["p".into(), "/home/a b".into()]));
    spec.job.dir = Some("x/{{ dir }}".into());
    assert_eq!(errors(&spec)[0].message, "the template of `dir` cannot use `dir`");
}

#[test]
fn names_used_are_returned() {
    let mut spec = text("p {{ a }} {{ b | default(1) }} {% for i in [c] %}{{ i }}{% endfor %}", &["a", "b", "c", "d"]);
    spec.job.env = vec![("E".into(), "{{ seed }}".into())];
    let used = JobTemplate::compile(&spec).unwrap().names_used();
    assert_eq!(used.into_iter().collect::<Vec<_>>(), ["a", "b", "c", "seed"]);
}

#[test]
fn all_errors_are_found_with_their_places() {
    let command = "p {{ tmp }} {{ size | rund(2) }} {% if size is defind %}x{% endif %} {{ size + }} {{ sed }}";
    let found = errors(&text(command, &["size", "temp"]));
    let seen: Vec<(&str, &str)> =
        found.iter().map(|error| (&command[error.at.clone().unwrap()], error.message.as_str())).collect();
    assert_eq!(
        seen,
        [
            ("tmp", "`tmp` is neither a parameter nor a built-in name"),
            ("rund", "unknown filter `rund`"),
            ("defind", "unknown test `defind`"),
            ("}}", "cannot parse this template: unexpected end of variable block"),
            ("sed", "`sed` is neither a parameter nor a built-in name"),
        ]
    );
    assert!(found[0].help.as_ref().unwrap().starts_with("did you mean `temp`?"));
    assert!(found[4].help.as_ref().unwrap().starts_with("did you mean `seed`?"));
}

#[test]
fn places_refer_to_the_text_as_written() {
    let command = r#"p "a\"b" 'c d'{{ nix }} "{{ size | }}""#;
    let found = errors(&text(command, &["size"]));
    assert_eq!(&command[found[0].at.clone().unwrap()], "nix");
    assert_eq!(&command[found[1].at.clone().unwrap()], "}}");
    let found = errors(&words(&["p", "é {{ nix }}"], &[]));
    assert_eq!((found[0].place.clone(), found[0].at.clone()), (TemplateLocation::Word(1), Some(6..9)));
}

#[test]
fn blocks_across_words_are_errors() {
    let message = |command: &str| errors(&text(command, &["a"]))[0].message.clone();
    for command in
        ["p {% if a %} --a {% endif %}", "p {% for i in a %}x y{% endfor %}", "p x{% endif %}", "p {% else %}"]
    {
        assert_eq!(message(command), "this block starts and ends in different words of the command", "{command}");
    }
    assert_eq!(message("p 'x"), "the quote (') has no closing quote");
    assert_eq!(message("p \\"), "a backslash at the end of the command");
    assert_eq!(message("p {{ a"), "this template tag is not closed");
    assert_eq!(message("  "), "the command is empty");
    assert_eq!(message("# p"), "the command is only a comment");
    assert!(message("p {% include 'x' %}").contains("include"));
}

#[test]
fn errors_while_rendering_are_described() {
    let failed = |spec: &Spec, value: Value| render(spec, vec![value]).unwrap_err().to_string();
    assert!(
        failed(&text("p {{ a }}", &["a"]), Value::Missing).starts_with("`command`: `a` has no value at this point")
    );
    assert_eq!(
        failed(&text("p {{ a | upper }}", &["a"]), Value::Missing),
        "`command`: undefined value: `a` has no value at this point; write {% if … is defined %}…{% endif %} around the \
         part that needs the parameter"
    );
    assert_eq!(
        failed(&text("p x={{ a }}", &["a"]), "\0".into()),
        "`command`, argument 1: it contains a NUL character, which a program argument cannot"
    );
    assert_eq!(
        failed(&text("{{ a }}", &["a"]), "".into()),
        "`command`: it renders to an empty text, so there is no program to run"
    );
    let endless = "p {% for i in range(9999) %}{% for j in range(9999) %}{% for k in range(9999) %}x{% endfor %}{% endfor %}{% endfor %}";
    assert!(failed(&words(&["p", endless], &["a"]), Value::Int(1)).contains("takes too long"));
    let huge = words(&["p", "{{ 'x' * 999999999999 }}"], &["a"]);
    assert!(failed(&huge, Value::Int(1)).contains("takes too long"));
}

/// Values that would do harm if they were ever looked at by a shell.
const NASTY: [&str; 16] = [
    "a b",
    " ",
    "",
    "it's",
    "\"",
    "'; echo no; '",
    "$(echo no)",
    "`echo no`",
    "a\nb",
    "*",
    "?",
    "~",
    "\\",
    "a;b",
    "{{ x }}",
    "!x $HOME \\\" #",
];

#[test]
fn one_template_serves_all_slots() {
    fn shared<T: Send + Sync>() {}
    shared::<JobTemplate>();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_text_compiles_or_is_an_error(
        command in r#"([a-z '"\\#\n=|.()0-9]|\{\{|\}\}|\{%|%\}|\{#|if|for|set|end|raw|is|in|\PC){0,30}"#,
        shell: bool,
    ) {
        let mut spec = text(&command, &["a", "b"]);
        spec.job.shell = shell;
        spec.job.stdin = Some(command.clone());
        match JobTemplate::compile(&spec) {
            Err(found) => for error in found {
                if let Some(at) = error.at {
                    prop_assert!(at.start <= at.end && at.end <= command.len() + 1, "{at:?} of {command:?}");
                }
            },
            Ok(template) => {
                let names: Arc<[String]> = spec.space.order.clone().into();
                let point = point(vec![Value::Int(1), "x".into()]);
                let context = JobContext { sweep: "s-1", names: &names, point: &point, attempt: 1, cpus: 1, here: "/" };
                let _ = template.render(&context);
            }
        }
    }

    #[test]
    fn plain_words_and_the_engine_print_the_same(bits: u64, int: i64, word in "\\PC{0,8}", flag: bool) {
        let float = f64::from_bits(bits);
        prop_assume!(float.is_finite());
        for value in [Value::Float(float), Value::Int(int), Value::Text(word), Value::Bool(flag)] {
            let spec = words(&["p", "{{ x }}", "{{ x if true }}"], &["x"]);
            let argv = argv(&spec, vec![value]);
            prop_assert_eq!(&argv[1], &argv[2]);
        }
    }
}

#[test]
fn stored_sweeps_are_rendered_by_their_own_rules() {
    let names = ["x", "tag"];
    let command = "p {{ x ~ '' }} {{ tag }} {% if x < 1 %}small{% endif %}";
    let names: Arc<[String]> = names.map(str::to_owned).into();
    let params = vec![Value::Float(1e-5), Value::Text(String::new())];
    let point = Point { index: 0, params, draw: 0, randomization: 0, repeat: 0, seed: 1, seed32: 1, fault: None };
    let context = JobContext { sweep: "a-1", names: &names, point: &point, attempt: 1, cpus: 1, here: "/" };
    let argv = |rules, keeps_empty_words| {
        let spec = Spec { rules, keeps_empty_words, ..text(command, &["x", "tag"]) };
        JobTemplate::compile(&spec).unwrap().argv(&context).unwrap()
    };
    assert_eq!(argv(Rules::First, false), ["p", "0.00001", "small"]);
    assert_eq!(argv(Rules::Second, true), ["p", "1e-5", "", "small"]);
}

#[test]
fn a_new_sweep_has_the_rules_of_the_first_release_where_they_render_the_same() {
    let settled = |command: &str, values: &str| {
        let text = format!("command = \"{command}\"\n[grid]\nx = {values}\n");
        let source = crate::spec::SourceFile { file: "a".into(), stem: "a".into(), here: "/nowhere".into() };
        let spec = crate::spec::read(&text, &source).unwrap().spec;
        (spec.rules == Rules::Second, spec.keeps_empty_words)
    };
    assert_eq!(settled("p {{ x }} {{ x + 1 }} {% if x is defined %}a{% endif %}", "[1, 2]"), (false, false));
    assert_eq!(settled("p {{ x | round(2) }} --y={{ x }}", "['', 'a']"), (false, false));
    assert_eq!(settled("p {{ x }}", "['', 'a']"), (false, true));
    assert_eq!(settled("p '{{ x }}'", "['', 'a']"), (false, false));
    assert_eq!(settled("p {{ x ~ 'm' }}", "[1]"), (true, false));
    assert_eq!(settled("p {{ x | tojson }}", "[1]"), (true, false));
    assert_eq!(settled("p {% if x > 1 %}a{% endif %}b", "[1]"), (true, false));
}
