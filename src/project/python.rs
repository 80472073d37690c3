//! Owns the modules that a Python script imports, read from its syntax: for where jobs cannot be observed.
//!
//! What is seen: `import` and `from … import` anywhere in the text, also relative ones and those inside functions, and
//! `__import__` and `importlib.import_module` with a text. Not seen: names that are computed, and files that are opened.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use tree_sitter::{Node, Parser};

/// The most files that are read for one script.
const MOST_FILES: usize = 2_000;

/// The files of a project, as Python's import system sees them.
pub trait PythonFiles {
    /// The text of a file that belongs to the project. None: there is none, or it is not text.
    fn text(&self, path: &Path) -> Option<String>;
}

/// Where a Python program begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PythonStart {
    /// `python3 PATH`
    Script(PathBuf),
    /// `python3 -m NAME`
    Module(String),
    /// `python3 -c TEXT`
    Code(String),
}

/// An import.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Import {
    /// How many dots it begins with; 0: it is absolute.
    level: usize,
    /// The names between the dots of the module.
    module: Vec<String>,
    /// What is imported from it: perhaps modules too.
    names: Vec<String>,
}

/// Where the Python programs of a command begin. Words with blanks in them are taken as command lines themselves (`sh -c
/// '…'`). `here` is the folder where relative paths start.
pub fn python_starts(argv: &[String], here: &Path) -> Vec<PythonStart> {
    let mut starts = Vec::new();
    let mut words = argv.iter().peekable();
    let mut is_python = false;
    while let Some(word) = words.next() {
        match word.as_str() {
            "-m" if is_python => starts.extend(words.next().map(|name| PythonStart::Module(name.clone()))),
            "-c" if is_python => starts.extend(words.next().map(|text| PythonStart::Code(text.clone()))),
            text if text.ends_with(".py") && !text.contains(char::is_whitespace) => {
                starts.push(PythonStart::Script(here.join(text)));
            }
            text if text.contains(char::is_whitespace) => {
                let spaced = text.replace([';', '|', '&', '(', ')', '<', '>'], " ");
                starts.extend(shlex::split(&spaced).map(|words| python_starts(&words, here)).unwrap_or_default());
            }
            text => {
                is_python = is_python_name(text) || (is_python && text.starts_with('-'));
                continue;
            }
        }
        is_python = false;
    }
    starts
}

/// Whether a word names a Python interpreter: `python3`, `/usr/bin/python3.11`, `pypy`.
fn is_python_name(word: &str) -> bool {
    let name = word.rsplit('/').next().unwrap_or(word);
    let version = ["python", "pypy"].iter().find_map(|start| name.strip_prefix(start));
    version.is_some_and(|version| version.chars().all(|c| c.is_ascii_digit() || c == '.'))
}

/// The files of the project that a Python program consists of, as far as its syntax tells: the script and what it imports,
/// transitively. `dir` is the working directory of the program, `search` are further folders of modules (PYTHONPATH).
pub fn python_files(start: &PythonStart, dir: &Path, search: &[PathBuf], files: &dyn PythonFiles) -> BTreeSet<PathBuf> {
    let first = match start {
        PythonStart::Script(path) => path.parent().unwrap_or(dir),
        PythonStart::Module(_) | PythonStart::Code(_) => dir,
    };
    let search: Vec<&Path> = std::iter::once(first).chain(search.iter().map(PathBuf::as_path)).collect();
    let mut finder = Finder { search, files, found: BTreeSet::new(), open: Vec::new() };
    match start {
        PythonStart::Script(path) => finder.add(path.clone()),
        PythonStart::Module(name) => {
            let module: Vec<String> = name.split('.').map(str::to_owned).collect();
            // A package runs its `__main__`.
            finder.resolve(&Import { level: 0, module, names: vec!["__main__".into()] }, dir);
            false
        }
        PythonStart::Code(text) => {
            imports(text).iter().for_each(|import| finder.resolve(import, dir));
            false
        }
    };
    while let Some((path, text)) = finder.open.pop() {
        let folder = path.parent().unwrap_or(dir).to_owned();
        imports(&text).iter().for_each(|import| finder.resolve(import, &folder));
    }
    finder.found
}

struct Finder<'a> {
    search: Vec<&'a Path>,
    files: &'a dyn PythonFiles,
    found: BTreeSet<PathBuf>,
    /// Files whose imports are still to be followed, with their text.
    open: Vec<(PathBuf, String)>,
}

impl Finder<'_> {
    /// Adds a file. Returns whether there is one.
    fn add(&mut self, path: PathBuf) -> bool {
        if self.found.contains(&path) {
            return true;
        }
        if self.found.len() >= MOST_FILES {
            return false;
        }
        let Some(text) = self.files.text(&path) else { return false };
        self.found.insert(path.clone());
        self.open.push((path, text));
        true
    }

    /// Adds the files of an import that stands in a file in `folder`.
    fn resolve(&mut self, import: &Import, folder: &Path) {
        if import.level > 0 {
            // One dot is the package itself, each further one its parent.
            let Some(package) = folder.ancestors().nth(import.level - 1) else { return };
            self.resolve_in(package, import);
            return;
        }
        for folder in self.search.clone() {
            if self.resolve_in(folder, import) {
                return;
            }
        }
    }

    /// Whether the first part of the module is in this folder. Then all its parts are added.
    fn resolve_in(&mut self, folder: &Path, import: &Import) -> bool {
        let mut at = folder.to_owned();
        let mut is_found = import.module.is_empty();
        for (n, part) in import.module.iter().enumerate() {
            at.push(part);
            let is_package = self.add(at.join("__init__.py"));
            let is_module = !is_package && self.add(at.with_extension("py"));
            is_found |= (is_package || is_module) && n == 0;
            if is_module {
                return true;
            }
        }
        for name in &import.names {
            let place = at.join(name);
            is_found |= self.add(place.join("__init__.py")) || self.add(place.with_extension("py"));
        }
        is_found
    }
}

/// The imports of a text, as far as it can be parsed.
fn imports(text: &str) -> BTreeSet<Import> {
    let mut parser = Parser::new();
    if parser.set_language(&tree_sitter_python::LANGUAGE.into()).is_err() {
        return BTreeSet::new();
    }
    let Some(tree) = parser.parse(text, None) else { return BTreeSet::new() };
    let mut found = BTreeSet::new();
    let mut open = vec![tree.root_node()];
    while let Some(node) = open.pop() {
        match node.kind() {
            "import_statement" => found.extend(children(node, "name").map(|name| absolute(&module_name(name, text)))),
            "import_from_statement" => found.extend(import_from(node, text)),
            "call" => found.extend(dynamic_import(node, text).as_deref().map(absolute)),
            _ => {}
        }
        let mut cursor = node.walk();
        open.extend(node.named_children(&mut cursor));
    }
    found
}

fn absolute(module: &str) -> Import {
    Import { level: 0, module: parts(module), names: Vec::new() }
}

fn parts(module: &str) -> Vec<String> {
    module.split('.').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

fn import_from(node: Node<'_>, text: &str) -> Option<Import> {
    let module = node.child_by_field_name("module_name")?;
    let written = source(module, text);
    let level = written.chars().filter(|c| !c.is_whitespace()).take_while(|c| *c == '.').count();
    let names = children(node, "name").map(|name| module_name(name, text)).collect();
    Some(Import { level, module: parts(written), names })
}

/// `__import__("m")` and `importlib.import_module("m")`.
fn dynamic_import(node: Node<'_>, text: &str) -> Option<String> {
    let function = source(node.child_by_field_name("function")?, text);
    if function != "__import__" && function.rsplit('.').next() != Some("import_module") {
        return None;
    }
    let arguments = node.child_by_field_name("arguments")?;
    let argument = arguments.named_child(0).filter(|argument| argument.kind() == "string")?;
    let content = argument.named_child(1).filter(|content| content.kind() == "string_content")?;
    Some(source(content, text).to_owned())
}

/// The name in `a.b` and in `a.b as c`.
fn module_name(node: Node<'_>, text: &str) -> String {
    let name = node.child_by_field_name("name").unwrap_or(node);
    source(name, text).to_owned()
}

fn children<'t>(node: Node<'t>, field: &str) -> impl Iterator<Item = Node<'t>> {
    let mut cursor = node.walk();
    node.children_by_field_name(field, &mut cursor).collect::<Vec<_>>().into_iter()
}

fn source<'t>(node: Node<'_>, text: &'t str) -> &'t str {
    text.get(node.byte_range()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    struct Fake(HashMap<PathBuf, &'static str>);

    impl PythonFiles for Fake {
        fn text(&self, path: &Path) -> Option<String> {
            self.0.get(path).map(|text| (*text).to_owned())
        }
    }

    fn found(start: &PythonStart, files: &[(&str, &'static str)]) -> Vec<String> {
        let fake = Fake(files.iter().map(|(path, text)| (Path::new("/p").join(path), *text)).collect());
        let found = python_files(start, Path::new("/p"), &["/p/lib".into()], &fake);
        found.iter().map(|path| path.strip_prefix("/p").unwrap().to_str().unwrap().to_owned()).collect()
    }

    fn script(path: &str) -> PythonStart {
        PythonStart::Script(Path::new("/p").join(path))
    }

    #[test]
    fn a_script_consists_of_what_it_imports_from_its_project() {
        let files = [
            ("main.py", "import numpy as np, a.b\nfrom pack import one, two as t\nimport in_lib\n"),
            ("a/b.py", "def f():\n    from . import c\n    from .. import nothing\n"),
            ("a/c.py", "import importlib\nx = importlib.import_module('d')\n__import__(\"e\")\n"),
            ("d.py", "try:\n    import f\nexcept ImportError:\n    f = None\n"),
            ("e.py", "import main"),
            ("f.py", "if True:\n  from g import *\n"),
            ("g.py", ""),
            ("pack/__init__.py", "from .three import x"),
            ("pack/one.py", ""),
            ("pack/three.py", "from ..unused import y"),
            ("pack/four.py", ""),
            ("lib/in_lib.py", "# import four\n'import five'"),
            ("unused.py", ""),
            ("four.py", ""),
            ("other.py", ""),
        ];
        let all = [
            "a/b.py",
            "a/c.py",
            "d.py",
            "e.py",
            "f.py",
            "g.py",
            "lib/in_lib.py",
            "main.py",
            "pack/__init__.py",
            "pack/one.py",
            "pack/three.py",
            "unused.py",
        ];
        assert_eq!(found(&script("main.py"), &files), all);
    }

    #[test]
    fn modules_and_code_are_followed_too() {
        let files =
            [("pack/__init__.py", ""), ("pack/__main__.py", "from . import run"), ("pack/run.py", ""), ("m.py", "")];
        let module = |name: &str| PythonStart::Module(name.into());
        assert_eq!(found(&module("pack"), &files), ["pack/__init__.py", "pack/__main__.py", "pack/run.py"]);
        assert_eq!(found(&module("pack.run"), &files), ["pack/__init__.py", "pack/run.py"]);
        assert_eq!(found(&PythonStart::Code("import m; print(m)".into()), &files), ["m.py"]);
        assert_eq!(found(&script("missing.py"), &files), [""; 0]);
        assert_eq!(
            found(&script("broken.py"), &[("broken.py", "import m\ndef (:\n"), ("m.py", "")]),
            ["broken.py", "m.py"]
        );
    }

    #[test]
    fn the_programs_of_a_command_are_found() {
        let starts = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            python_starts(&words, Path::new("/p"))
        };
        assert_eq!(starts(&["python3", "-u", "a.py", "-m", "x"]), [script("a.py")]);
        assert_eq!(
            starts(&["mpirun", "-n", "4", "python3.11", "-m", "pack.run"]),
            [PythonStart::Module("pack.run".into())]
        );
        assert_eq!(starts(&["/usr/bin/python", "-c", "import m"]), [PythonStart::Code("import m".into())]);
        assert_eq!(starts(&["sh", "-c", "cd x; python3 b.py > out && ./c.py"]), [script("b.py"), script("c.py")]);
        assert_eq!(starts(&["pythonish", "-m", "x"]), []);
    }
}
